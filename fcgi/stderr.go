package fcgi

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// lineSink passes an error stream on line by line, within a bound.
type lineSink struct {
	emit    func(string)
	left    int
	line    []byte
	dropped int
}

// maxStderrLine is where a line that does not end is cut in two.
const maxStderrLine = 4096

func (s *lineSink) write(p []byte) {
	if s.emit == nil {
		return
	}
	if len(p) > s.left {
		s.dropped += len(p) - s.left
		p = p[:s.left]
	}
	s.left -= len(p)
	for len(p) > 0 {
		chunk := p[:min(len(p), maxStderrLine-len(s.line))]
		end := bytes.IndexByte(chunk, '\n')
		if end >= 0 {
			chunk = chunk[:end]
		}
		s.line = append(s.line, chunk...)
		p = p[len(chunk):]
		if end >= 0 {
			p = p[1:]
		}
		if end >= 0 || len(s.line) == maxStderrLine {
			s.emitLine()
		}
	}
}

// flush passes on the last line, which may lack its end, and says how much was
// left out.
func (s *lineSink) flush() {
	s.emitLine()
	if s.dropped > 0 {
		s.emit(fmt.Sprintf("(%d more bytes were dropped)", s.dropped))
		s.dropped = 0
	}
}

func (s *lineSink) emitLine() {
	line := strings.TrimRight(string(s.line), "\r")
	s.line = s.line[:0]
	if line == "" {
		return
	}
	if !utf8.ValidString(line) {
		line = strings.ToValidUTF8(line, "\uFFFD")
	}
	s.emit(line)
}
