package resp

import (
	"bytes"
	"strconv"
	"strings"
)

// maxDigits bounds lengths and counts: 999,999,999 fits an int everywhere.
const maxDigits = 9

// isKind tells the bytes that a line may begin with.
func isKind(kind Kind) bool {
	return strings.IndexByte("+-:$*_#,(!=%~>|;.", byte(kind)) >= 0
}

// isLong tells the kinds whose line may be of any length.
func isLong(kind Kind) bool {
	return kind == SimpleString || kind == SimpleError || kind == BigNumber
}

// checkLine checks the text of a value that is a line.
func checkLine(kind Kind, text []byte) error {
	switch kind {
	case SimpleString, SimpleError:
		if bytes.IndexByte(text, '\r') >= 0 {
			return errLine
		}
	case Integer:
		if _, err := strconv.ParseInt(string(text), 10, 64); err != nil {
			return errNumber
		}
	case Double:
		if _, ok := parseDouble(text); !ok {
			return errNumber
		}
	case BigNumber:
		if !isBigNumber(text) {
			return errNumber
		}
	case Bool:
		if string(text) != "t" && string(text) != "f" {
			return errLiteral
		}
	case Null:
		if len(text) > 0 {
			return errLiteral
		}
	default:
		return errKind
	}
	return nil
}

// parseLength parses digits without sign and without zeros before them.
func parseLength(text []byte) (n int, ok bool) {
	if len(text) == 0 || len(text) > maxDigits || text[0] == '0' && len(text) > 1 {
		return 0, false
	}
	for _, digit := range text {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		n = 10*n + int(digit-'0')
	}
	return n, true
}

// parseDouble parses a decimal number, inf, -inf or nan.
func parseDouble(text []byte) (float64, bool) {
	switch string(text) {
	case "inf", "-inf", "nan":
	default:
		if len(bytes.Trim(text, "+-.0123456789eE")) > 0 {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	return f, err == nil
}

// isBigNumber tells whether text is digits with or without a sign.
func isBigNumber(text []byte) bool {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	return len(text) > 0 && len(bytes.Trim(text, "0123456789")) == 0
}
