//go:build linux

package main

import (
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
type console struct {
	out      *os.File
	terminal bool
	footer   string // what to say once all workers are ready

	mu      sync.Mutex
	loading string // the spinner's text, "" while there is none
	since   time.Time
	frame   int
	drawn   bool
	shown   bool // the table
	log     *slog.Logger

	quit chan struct{}
	done chan struct{}
}

var spinner = [...]string{"|", "/", "-", "\\"}

const spinnerTick = 100 * time.Millisecond

func newConsole(out *os.File) *console {
	c := &console{out: out, terminal: term.IsTerminal(int(out.Fd())), quit: make(chan struct{}), done: make(chan struct{})}
	go c.spin()
	return c
}

// close ends the spinner and leaves a clean line.
func (c *console) close() {
	close(c.quit)
	<-c.done
}

func (c *console) spin() {
	defer close(c.done)
	if !c.terminal {
		return
	}
	ticker := time.NewTicker(spinnerTick)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			c.mu.Lock()
			c.frame++
			c.erase()
			c.draw()
			c.mu.Unlock()
		case <-c.quit:
			c.mu.Lock()
			c.loading = ""
			c.erase()
			c.mu.Unlock()
			return
		}
	}
}

func (c *console) draw() {
	if c.terminal && c.loading != "" {
		fmt.Fprintf(c.out, "%s %s %.0f s", spinner[c.frame%len(spinner)], c.loading, time.Since(c.since).Seconds())
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

// Write writes whole lines above the spinner.
func (c *console) Write(lines []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.erase()
	n, err := c.out.Write(lines)
	c.draw()
	return n, err
}

func (c *console) setLoading(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.erase()
	c.loading, c.since = text, time.Now()
	c.draw()
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
		fmt.Fprintf(c, "| %s\n", line)
		return
	}
	c.log.Info("the application printed", "line", line)
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
