package front

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	// accessQueue is how many bytes of lines wait while the disk, or who reads them, is slow. Lines beyond it are lost.
	accessQueue = 1 << 20
	// accessFlush is how long the last lines are waited for at the end.
	accessFlush = time.Second
)

// AccessLog is a file with a line for each request. One goroutine writes to it, and no request waits for that: what
// cannot be written is lost, and the log says so.
type AccessLog struct {
	path   string // "-": standard output
	asJSON bool
	log    *slog.Logger
	wake   chan struct{}
	quit   chan struct{}
	done   chan struct{}

	mu     sync.Mutex
	queue  []byte
	lost   int  // lines
	reopen bool // the file

	// Of the writing goroutine alone.
	out    io.WriteCloser
	broken bool  // the last line was cut
	err    error // of the last line that was lost
	unsaid int   // lines that are lost and that the log has not told of yet
	warned time.Time
}

// OpenAccessLog opens a file to append lines to, of the combined format or of JSON, "-" for standard output. Its
// Close has to be called.
func OpenAccessLog(path string, asJSON bool, log *slog.Logger) (*AccessLog, error) {
	l := &AccessLog{path: path, asJSON: asJSON, log: log, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	if err := l.open(); err != nil {
		return nil, err
	}
	go l.write()
	return l, nil
}

// open opens the file. A FIFO that nobody reads is an error, and not waited for.
func (l *AccessLog) open() error {
	if l.path == "-" {
		l.out = struct {
			io.Writer
			io.Closer
		}{os.Stdout, io.NopCloser(nil)}
		return nil
	}
	file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o640)
	if err != nil {
		return fmt.Errorf("open access log: %w", err)
	}
	l.out = file
	return nil
}

// Reopen has the file opened anew, since it may have been moved away.
func (l *AccessLog) Reopen() {
	l.mu.Lock()
	l.reopen = true
	l.mu.Unlock()
	signal(l.wake)
}

// Close writes what is queued, if that takes no longer than a moment.
func (l *AccessLog) Close() {
	close(l.quit)
	select {
	case <-l.done:
	case <-time.After(accessFlush):
	}
}

// add queues a line.
func (l *AccessLog) add(a *access) {
	l.mu.Lock()
	switch {
	case len(l.queue) >= accessQueue:
		l.lost++
	case l.asJSON:
		l.queue = a.appendJSON(l.queue)
	default:
		l.queue = a.appendCombined(l.queue)
	}
	l.mu.Unlock()
	signal(l.wake)
}

func (l *AccessLog) write() {
	defer close(l.done)
	var spare []byte
	for last := false; ; {
		l.mu.Lock()
		lines, lost, reopen := l.queue, l.lost, l.reopen
		l.queue, l.lost, l.reopen = spare, 0, false
		l.mu.Unlock()
		if reopen {
			l.openAnew()
		}
		lost += l.put(lines)
		if lost > 0 {
			l.warn(lost)
		}
		if spare = lines[:0]; cap(spare) > 64<<10 {
			spare = nil
		}
		if last {
			_ = l.out.Close() // each line was written
			return
		}
		select {
		case <-l.wake:
		case <-l.quit:
			last = true
		}
	}
}

// openAnew opens the file in the place of the one that is open. Where it cannot be, that one is written on.
func (l *AccessLog) openAnew() {
	before := l.out
	if err := l.open(); err != nil {
		l.log.Error("access log stays the file that is open", keyError, err)
		return
	}
	_ = before.Close() // each line was written
	l.broken = false
}

// put writes lines, and returns how many are lost. What follows a line that was cut begins a new one.
func (l *AccessLog) put(lines []byte) (lost int) {
	if len(lines) == 0 {
		return 0
	}
	if l.broken {
		if _, l.err = l.out.Write([]byte{'\n'}); l.err != nil {
			return bytes.Count(lines, []byte{'\n'})
		}
		l.broken = false
	}
	n, err := l.out.Write(lines)
	if err == nil {
		return 0
	}
	l.err, l.broken = err, n > 0 && lines[n-1] != '\n'
	return bytes.Count(lines[n:], []byte{'\n'})
}

// warn says that lines were lost, once a minute at most.
func (l *AccessLog) warn(lost int) {
	l.unsaid += lost
	if now := time.Now(); now.Sub(l.warned) >= warnPause {
		l.log.Warn("lines of the access log are lost", keyLines, l.unsaid, keyError, l.err)
		l.warned, l.unsaid, l.err = now, 0, nil
	}
}
