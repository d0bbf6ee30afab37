package fcgitest

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
)

// Log collects log lines.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String returns everything that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Contains tells whether a text was logged.
func (l *Log) Contains(s string) bool {
	return strings.Contains(l.String(), s)
}

// Logger returns a logger that writes to it.
func (l *Log) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
