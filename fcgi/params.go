package fcgi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// Errors of the name-value pairs, specification section 3.4.
var (
	ErrParamsTooLarge  = errors.New("name-value pairs are too large")
	ErrParamsTruncated = errors.New("name-value pair is truncated")
	ErrParamsCharacter = errors.New("name-value pair contains a NUL, CR or LF")
)

// maxShortLength is the longest length that takes one byte.
const maxShortLength = 127

// Param is one name-value pair.
type Param struct {
	Name, Value string
}

// Params are name-value pairs in the order of the wire.
type Params []Param

// Get returns the value of name. Where a name stands twice the last one wins.
func (p Params) Get(name string) (value string, ok bool) {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i].Name == name {
			return p[i].Value, true
		}
	}
	return "", false
}

// Append appends the encoded pairs to dst. It refuses what a responder would
// refuse: NUL, CR or LF, which end lines and strings further down.
func (p Params) Append(dst []byte) ([]byte, error) {
	for _, pair := range p {
		if hasControl(pair.Name) || hasControl(pair.Value) {
			return dst, fmt.Errorf("encode %q: %w", pair.Name, ErrParamsCharacter)
		}
		// The high bit of a four-byte length marks its size.
		if int64(len(pair.Name)) > 1<<31-1 || int64(len(pair.Value)) > 1<<31-1 {
			return dst, fmt.Errorf("encode pair: %w", ErrParamsTooLarge)
		}
		dst = appendLength(dst, len(pair.Name))
		dst = appendLength(dst, len(pair.Value))
		dst = append(dst, pair.Name...)
		dst = append(dst, pair.Value...)
	}
	return dst, nil
}

func appendLength(dst []byte, n int) []byte {
	if n <= maxShortLength {
		return append(dst, byte(n))
	}
	return binary.BigEndian.AppendUint32(dst, uint32(n)|1<<31)
}

func hasControl(s string) bool {
	return strings.ContainsAny(s, "\x00\r\n")
}

// ParamsDecoder decodes name-value pairs that arrive in pieces. A pair may be
// split anywhere, inside a length too.
//
// It never holds more than its bound: a pair that announces more is refused
// before its bytes are awaited.
type ParamsDecoder struct {
	max    int
	total  int
	buf    []byte
	params Params
	err    error
}

// NewParamsDecoder returns a decoder that accepts at most max encoded bytes.
func NewParamsDecoder(max int) *ParamsDecoder {
	return &ParamsDecoder{max: max}
}

// Write takes the next piece. An error is final.
func (d *ParamsDecoder) Write(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	if len(p) > d.max-d.total {
		return 0, d.fail(fmt.Errorf("decode pairs: %w: more than %d bytes", ErrParamsTooLarge, d.max))
	}
	d.total += len(p)
	d.buf = append(d.buf, p...)
	rest := d.buf
	for {
		n, err := d.pair(rest)
		if err != nil {
			return 0, d.fail(err)
		}
		if n == 0 {
			break
		}
		rest = rest[n:]
	}
	if len(rest) < len(d.buf) {
		d.buf = d.buf[:copy(d.buf, rest)]
	}
	return len(p), nil
}

// Params returns the pairs once all pieces were written.
func (d *ParamsDecoder) Params() (Params, error) {
	if d.err == nil && len(d.buf) > 0 {
		d.fail(fmt.Errorf("decode pairs: %w", ErrParamsTruncated))
	}
	return d.params, d.err
}

func (d *ParamsDecoder) fail(err error) error {
	d.err, d.buf, d.params = err, nil, nil
	return err
}

// pair takes one whole pair from the start of b and returns its encoded
// length, 0 where more bytes are needed.
func (d *ParamsDecoder) pair(b []byte) (int, error) {
	nameLen, n := takeLength(b)
	if n == 0 {
		return 0, nil
	}
	valueLen, m := takeLength(b[n:])
	if m == 0 {
		if nameLen > int64(d.max) {
			return 0, d.tooLong(nameLen)
		}
		return 0, nil
	}
	if nameLen+valueLen > int64(d.max) {
		return 0, d.tooLong(nameLen + valueLen)
	}
	size := n + m + int(nameLen) + int(valueLen)
	if len(b) < size {
		return 0, nil
	}
	pair := string(b[n+m : size])
	if hasControl(pair) {
		return 0, fmt.Errorf("decode pair: %w", ErrParamsCharacter)
	}
	// A pair without a name says nothing.
	if nameLen > 0 {
		d.params = append(d.params, Param{Name: pair[:nameLen], Value: pair[nameLen:]})
	}
	return size, nil
}

func (d *ParamsDecoder) tooLong(n int64) error {
	return fmt.Errorf("decode pair: %w: it announces %d bytes", ErrParamsTooLarge, n)
}

// takeLength reads a length of one or four bytes, and returns how many it
// took, 0 where the length itself is not complete. A small number in four
// bytes is allowed.
func takeLength(b []byte) (length int64, size int) {
	if len(b) == 0 {
		return 0, 0
	}
	if b[0] <= maxShortLength {
		return int64(b[0]), 1
	}
	if len(b) < 4 {
		return 0, 0
	}
	return int64(binary.BigEndian.Uint32(b) &^ (1 << 31)), 4
}
