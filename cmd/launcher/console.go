//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"launcher/preforker"
)

// console is what a person sees on standard error: log lines, what the application
// prints while it loads and, on a terminal, a line below them that shows that it still
// loads. It implements preforker.Observer and the writer of the log.
//
// Its methods never wait: one goroutine writes, behind a queue. A reader that
// stalls (a pager, Ctrl-S) must not stall the supervision of workers. Lines that find
// the queue full are dropped and counted.
type console struct {
	out      *os.File
	terminal bool
	footer   string       // what to say once all workers are ready
	log      *slog.Logger // to this console
	printed  *slog.Logger // the same, for what the application prints

	lines     chan []byte
	unhurried chan []byte // of those who wait: they take no room from the others
	quit      chan struct{}
	done      chan struct{}

	mu      sync.Mutex
	loading string // the spinner's text, "" while there is none
	since   time.Time
	dropped int
	shown   bool // the table

	// The writing goroutine's own.
	frame int
	drawn bool
}

var spinner = [...]string{"|", "/", "-", "\\"}

const (
	spinnerTick  = 100 * time.Millisecond
	consoleQueue = 4096        // lines
	lastWords    = time.Second // for what is queued when the launcher ends
)

func newConsole(out *os.File) *console {
	c := &console{out: out, terminal: term.IsTerminal(int(out.Fd())), lines: make(chan []byte, consoleQueue),
		unhurried: make(chan []byte),
		quit:      make(chan struct{}), done: make(chan struct{})}
	go c.write()
	return c
}

// close writes what is queued, if somebody reads it, and leaves a clean line.
func (c *console) close() {
	c.setLoading("")
	close(c.quit)
	select {
	case <-c.done:
	case <-time.After(lastWords):
	}
}

// gone says that this was a terminal, and that it has been closed.
func (c *console) gone() bool { return c.terminal && !term.IsTerminal(int(c.out.Fd())) }

func (c *console) write() {
	defer close(c.done)
	var tick <-chan time.Time
	if c.terminal {
		ticker := time.NewTicker(spinnerTick)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case line := <-c.lines:
			c.writeLine(line)
		case line := <-c.unhurried:
			c.writeLine(line)
		case <-tick:
			c.frame++
			c.erase()
			c.draw()
		case <-c.quit:
			c.flush()
			return
		}
	}
}

func (c *console) flush() {
	for {
		select {
		case line := <-c.lines:
			c.writeLine(line)
		default:
			c.erase()
			return
		}
	}
}

// writeLine writes above the spinner. Nobody could be told of an error here.
func (c *console) writeLine(line []byte) {
	c.erase()
	_, _ = c.out.Write(line)
	c.mu.Lock()
	dropped := c.dropped
	c.dropped = 0
	c.mu.Unlock()
	if dropped > 0 {
		fmt.Fprintf(c.out, "launcher: %d lines of this log were dropped: nobody read it\n", dropped)
	}
	c.draw()
}

func (c *console) draw() {
	c.mu.Lock()
	loading, since := c.loading, c.since
	c.mu.Unlock()
	if c.terminal && loading != "" {
		fmt.Fprintf(c.out, "%s %s %.0f s", spinner[c.frame%len(spinner)], loading, time.Since(since).Seconds())
		c.drawn = true
	}
}

// erase clears the spinner's line (ECMA-48: CR, then erase in line).
func (c *console) erase() {
	if c.drawn {
		_, _ = io.WriteString(c.out, "\r\x1b[K")
		c.drawn = false
	}
}

// Write queues whole lines.
func (c *console) Write(lines []byte) (int, error) {
	select {
	case c.lines <- bytes.Clone(lines):
	default:
		c.mu.Lock()
		c.dropped++
		c.mu.Unlock()
	}
	return len(lines), nil
}

// patient is the console for those who may wait, and must lose nothing: the reader
// of what the application prints while it loads.
type patient struct{ *console }

// Write hands over whole lines.
func (p patient) Write(lines []byte) (int, error) {
	select {
	case p.unhurried <- bytes.Clone(lines):
	case <-p.quit:
	}
	return len(lines), nil
}

func (c *console) setLoading(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loading, c.since = text, time.Now()
}

// Loading implements preforker.Observer.
func (c *console) Loading(generation int) {
	if generation == 1 {
		c.setLoading("loading the application")
		return
	}
	c.setLoading(fmt.Sprintf("loading generation %d", generation))
}

// Loaded implements preforker.Observer.
func (c *console) Loaded(int) { c.setLoading("starting the workers") }

// Printed implements preforker.Observer.
func (c *console) Printed(line string) {
	if c.terminal {
		fmt.Fprintf(patient{c}, "| %s\n", line)
		return
	}
	c.printed.Info("the application printed", "line", line)
}

// Serving implements preforker.Observer: a table the first time, a line later.
func (c *console) Serving(generation int, workers []preforker.WorkerView) {
	c.setLoading("")
	if c.shown {
		c.log.Info("all slots have a ready worker", "gen", generation)
		return
	}
	c.shown = true
	table := tabwriter.NewWriter(c, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SLOT\tPID\tSTATE\tSOCKET")
	for _, w := range workers {
		fmt.Fprintf(table, "%d\t%d\t%v\t%s\n", w.Slot, w.Pid, w.State, w.Socket)
	}
	_ = table.Flush()
	fmt.Fprintln(c, c.footer)
}

// Settled implements preforker.Observer.
func (c *console) Settled() { c.setLoading("") }

// Stopping implements preforker.Observer.
func (c *console) Stopping() { c.setLoading("") }

// newLogger logs to the console.
func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var options slog.HandlerOptions
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usageErrorf("--log-level info", "read --%s: %q is none of debug, info, warn, error", optLogLevel, level)
	}
	options.Level = l
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, &options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, &options)), nil
	default:
		return nil, usageErrorf("--log-format text", "read --%s: %q is neither text nor json", optLogFormat, format)
	}
}
