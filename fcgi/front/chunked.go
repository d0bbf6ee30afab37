package front

import (
	"bytes"
	"sync/atomic"
)

// chunkedScan looks for lines that begin as a Transfer-Encoding field does. net/http ignores the field
// in a request of HTTP/1.0, and whoever stands in front may not (RFC 9112, section 6.1). A body that has
// such a line costs no more than the connection.
type chunkedScan struct {
	matched int
	found   atomic.Bool
}

const chunkedField = "\ntransfer-encoding"

func (s *chunkedScan) scan(p []byte) {
	for len(p) > 0 {
		if s.matched == 0 {
			end := bytes.IndexByte(p, '\n')
			if end < 0 {
				return
			}
			p, s.matched = p[end+1:], 1
			continue
		}
		letter := p[0]
		if 'A' <= letter && letter <= 'Z' {
			letter |= 0x20
		}
		if letter != chunkedField[s.matched] {
			s.matched = 0 // the byte may begin anew
			continue
		}
		p = p[1:]
		if s.matched++; s.matched == len(chunkedField) {
			s.found.Store(true)
			s.matched = 0
		}
	}
}
