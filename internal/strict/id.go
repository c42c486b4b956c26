package strict

// Ids are of the form seed-conn-sequence in fixed-width hexadecimal, such as
// 5eed0001-0007-0000002a, so that a prepared request needs only new digits.
const (
	idLen    = 8 + 1 + 4 + 1 + 8
	maxConns = 1 << 16
)

// newID returns the id of a connection's request number 0.
func newID(seed uint32, conn int) []byte {
	id := make([]byte, idLen)
	id[8], id[13] = '-', '-'
	putHex(id[:8], uint64(seed))
	putHex(id[9:13], uint64(conn))
	putHex(id[14:], 0)
	return id
}

// setSequence makes id that of the connection's n-th request.
func setSequence(id []byte, n uint32) { putHex(id[14:], uint64(n)) }

// putHex fills b with the low digits of v.
func putHex(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = "0123456789abcdef"[v&15]
		v >>= 4
	}
}

// repeat fills b with the id over and over.
func repeat(b, id []byte) {
	for len(b) > 0 {
		b = b[copy(b, id):]
	}
}
