//go:build linux

package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// LogName is the file that has what a server and its application print. A pipe would need a
// reader while memory is measured, and would end with this process.
const LogName = "server.log"

const (
	tailLines = 20
	tailBytes = 64 << 10 // that are read to find them
)

// frame is a line of a Ruby backtrace.
var frame = regexp.MustCompile("^.*:[0-9]+:in [`'].*$")

// framesKept is how many lines of a backtrace stay: what was raised, and in which
// lines of the application, comes first.
const framesKept = 4

// tail returns the last lines of a log that say something, long backtraces cut.
func tail(path string) []string {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := file.Seek(-tailBytes, io.SeekEnd); err != nil {
			return nil
		}
	}
	text, err := io.ReadAll(io.LimitReader(file, tailBytes))
	if err != nil {
		return nil
	}
	lines := telling(strings.ToValidUTF8(string(text), "?"))
	return lines[max(0, len(lines)-tailLines):]
}

func telling(text string) (lines []string) {
	frames := 0
	cut := func() {
		if more := frames - framesKept; more > 0 {
			lines = append(lines, fmt.Sprintf("    (%d more lines of the backtrace)", more))
		}
		frames = 0
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n\t "); line == "" {
			continue
		}
		if !frame.MatchString(line) {
			cut()
		} else if frames++; frames > framesKept {
			continue
		}
		lines = append(lines, line)
	}
	cut()
	return lines
}

// follower reads a log while it grows.
type follower struct {
	file *os.File
	rest []byte // of a line that is not whole yet
}

func follow(path string) (*follower, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	return &follower{file: file}, nil
}

func (f *follower) close() { _ = f.file.Close() }

// lines calls take with each line that is whole since the last call.
func (f *follower) lines(take func(string) error) error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := f.file.Read(buffer)
		f.rest = append(f.rest, buffer[:n]...)
		for {
			line, rest, whole := bytes.Cut(f.rest, []byte("\n"))
			if !whole {
				break
			}
			f.rest = rest
			if err := take(string(line)); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read log: %w", err)
		}
	}
}
