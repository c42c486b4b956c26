package resp_test

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/support-go/support/netbuf/resp"
	"pgregory.net/rapid"
)

// writeAny writes a value drawn from t, nested at most depth deep, and returns
// what show must make of it.
func writeAny(t *rapid.T, w *resp.Writer, depth int) string {
	attrs := ""
	if depth > 0 && rapid.IntRange(0, 9).Draw(t, "attributes") == 0 {
		w.Attributes(1)
		attrs = fmt.Sprintf("(%s is %s)", writeScalar(t, w), writeAny(t, w, depth-1))
	}
	if depth > 0 && rapid.Bool().Draw(t, "nested") {
		return attrs + writeAggregate(t, w, depth)
	}
	return attrs + writeScalar(t, w)
}

func writeAggregate(t *rapid.T, w *resp.Writer, depth int) string {
	n := rapid.IntRange(0, 4).Draw(t, "len")
	var b strings.Builder
	switch kind := rapid.SampledFrom([]resp.Kind{resp.Array, resp.Set, resp.Map}).Draw(t, "kind"); kind {
	case resp.Map:
		w.Map(n)
		b.WriteString("%[")
		for range n {
			key := writeScalar(t, w)
			fmt.Fprintf(&b, "%s:%s,", key, writeAny(t, w, depth-1))
		}
	case resp.Set:
		w.Set(n)
		b.WriteString("~[")
		for range n {
			b.WriteString(writeAny(t, w, depth-1) + ",")
		}
	default:
		w.Array(n)
		b.WriteString("*[")
		for range n {
			b.WriteString(writeAny(t, w, depth-1) + ",")
		}
	}
	return b.String() + "]"
}

func writeScalar(t *rapid.T, w *resp.Writer) string {
	text := rapid.StringMatching("(?s).{0,40}").Draw(t, "text")
	line := strings.NewReplacer("\r", " ", "\n", " ").Replace(text)
	switch rapid.IntRange(0, 9).Draw(t, "scalar") {
	case 0:
		w.SimpleString(text)
		return fmt.Sprintf("+%q", line)
	case 1:
		w.Error(text)
		return fmt.Sprintf("-%q", line)
	case 2:
		n := rapid.Int64().Draw(t, "integer")
		w.Integer(n)
		return fmt.Sprintf(":%q", strconv.FormatInt(n, 10))
	case 3:
		w.Null()
		return "null"
	case 4:
		value := rapid.Bool().Draw(t, "bool")
		w.Bool(value)
		return fmt.Sprintf("#%q", strconv.FormatBool(value)[:1])
	case 5:
		f := rapid.Float64().Draw(t, "double")
		w.Double(f)
		return fmt.Sprintf(",%q", strconv.FormatFloat(f, 'g', -1, 64))
	case 6:
		n := new(big.Int).SetBytes([]byte(text))
		w.BigNumber(n)
		return fmt.Sprintf("(%q", n.String())
	case 7:
		w.BulkError(text)
		return fmt.Sprintf("!%q", text)
	case 8:
		w.Verbatim("txt", text)
		return fmt.Sprintf("=txt %q", text)
	}
	w.BulkString(text)
	return fmt.Sprintf("$%q", text)
}
