package ruby

import (
	"bytes"
	"fmt"
)

// The longest lines in bytes. What the Ruby side reports as JSON is one line, with all frames of an exception, and cut
// it would be no JSON.
const (
	capturedMax = 8 << 10
	objectMax   = 128 << 10
)

// lineSplitter makes lines of what comes in parts of any size. It keeps no more than the longest line.
type lineSplitter struct {
	pass    func(line string)
	part    []byte // of a line that has not ended
	dropped int    // bytes of it that are more than may be kept
}

func (s *lineSplitter) write(text []byte) {
	for {
		line, rest, ended := bytes.Cut(text, []byte{'\n'})
		if !ended {
			s.add(text)
			return
		}
		s.add(line)
		s.end()
		text = rest
	}
}

func (s *lineSplitter) add(text []byte) {
	limit := capturedMax
	if begin := s.part; bytes.HasPrefix(begin, []byte{'{'}) || len(begin) == 0 && bytes.HasPrefix(text, []byte{'{'}) {
		limit = objectMax
	}
	kept := min(len(text), limit-len(s.part))
	s.part = append(s.part, text[:kept]...)
	s.dropped += len(text) - kept
}

// end passes the line on that has ended here.
func (s *lineSplitter) end() {
	line := bytes.TrimSuffix(s.part, []byte{'\r'})
	if s.dropped > 0 {
		line = fmt.Appendf(line, "… (cut: %d bytes)", len(s.part)+s.dropped)
	}
	s.pass(string(line))
	s.part, s.dropped = nil, 0
}

// flush passes on what has come of a line without an end.
func (s *lineSplitter) flush() {
	if len(s.part) > 0 {
		s.end()
	}
}
