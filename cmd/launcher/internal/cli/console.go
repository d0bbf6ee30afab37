//go:build linux

package cli

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"text/tabwriter"
	"time"

	"launcher/preforker"
)

// console writes to standard error: log lines, what the application prints while it loads and, on a
// terminal, a spinner below them while it loads. It implements preforker.Observer and the writer of
// the log.
//
// Its methods never wait: one goroutine writes, behind a queue, since a reader that stalls (a pager,
// Ctrl-S) must not stall the supervision of workers. Lines that find the queue full are dropped and
// counted. Those that take what applications print wait for a moment first.
type console struct {
	out      *os.File
	from     *os.File // the terminal that the launcher was started from, else nil
	format   string
	terminal bool
	animated bool         // with a spinner: on a terminal that can erase a line
	log      *slog.Logger // to this console
	printed  *slog.Logger // the same, for what the application prints, whatever the level
	direct   *slog.Logger // past the queue, for the goroutine that empties it; nil where lines are plain text
	address  slog.Attr    // where the workers are reached

	lines  chan queued // the queue
	output outputQueue // what of it the application has printed
	quit   chan struct{}
	done   chan struct{}

	mu      sync.Mutex
	loading string // the spinner's text, "" while there is none
	since   time.Time
	dropped int
	served  bool // all slots were, once
	shown   bool // the table

	// Of the writing goroutine alone.
	frame  int
	drawn  bool
	broken bool  // the last line was cut
	lost   int   // lines that could not be written since the last one that was
	err    error // why
}

var spinner = [...]string{"|", "/", "-", "\\"}

const (
	spinnerTick  = 100 * time.Millisecond
	consoleQueue = 4096        // lines
	flushTimeout = time.Second // for what is queued when the launcher ends
)

// newConsole starts the goroutine that writes. With the format json every line is a JSON object, also those
// of the application and the table.
func newConsole(out *os.File, format, level string) (*console, error) {
	c := &console{out: out, format: format, terminal: isTerminal(out), lines: make(chan queued, consoleQueue),
		quit: make(chan struct{}), done: make(chan struct{})}
	c.output.init()
	c.startedFrom(out)
	c.animated = format == formatText && canErase(out)
	var err error
	if c.log, err = newLogger(c, format, level); err != nil {
		return nil, err
	}
	if c.printed, err = newLogger(outputWriter{c}, format, levelOfOutput); err != nil {
		return nil, err
	}
	if format == formatJSON {
		if c.direct, err = newLogger(out, format, level); err != nil {
			return nil, err
		}
	}
	go c.write()
	return c, nil
}

// close writes what is queued, if somebody reads it, and leaves a clean line.
func (c *console) close() {
	c.setLoading("")
	close(c.quit)
	select {
	case <-c.done:
	case <-time.After(flushTimeout):
	}
}

// startedFrom notes standard error, where that is a terminal.
func (c *console) startedFrom(stderr *os.File) {
	if isTerminal(stderr) {
		c.from = stderr
	}
}

// hungUp says whether the terminal that it was started from has been closed.
func (c *console) hungUp() bool { return c.from != nil && !isTerminal(c.from) }

func (c *console) write() {
	defer close(c.done)
	var tick <-chan time.Time
	if c.animated {
		ticker := time.NewTicker(spinnerTick)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case line := <-c.lines:
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

// put writes lines. What could not be written, since the disk is full, is told once something can be.
func (c *console) put(text []byte) {
	if c.broken {
		text = append([]byte{'\n'}, text...)
	}
	n, err := c.out.Write(text)
	if err != nil {
		c.broken = c.broken && n == 0 || n > 0 && text[n-1] != '\n'
		c.lost, c.err = c.lost+1, err
		return
	}
	c.broken = false
	if lost := c.lost; lost > 0 {
		c.lost = 0
		c.tell("lines of this log could not be written", keyLost, lost, keyError, c.err)
	}
}

// tell writes a line of the log past the queue. It may be called by the writing goroutine alone.
func (c *console) tell(message string, attributes ...any) {
	if logger, err := newLogger(c.out, c.format, levelOfOutput); err == nil {
		logger.Warn(message, attributes...)
	}
}

// writeLine writes above the spinner.
func (c *console) writeLine(line queued) {
	c.erase()
	c.put(line.text)
	if line.output {
		c.output.taken(len(line.text))
	}
	c.mu.Lock()
	dropped := c.dropped
	c.dropped = 0
	c.mu.Unlock()
	switch {
	case dropped > 0 && c.direct != nil:
		c.direct.Warn("lines of this log were dropped: nobody read it", keyDropped, dropped)
	case dropped > 0:
		fmt.Fprintf(c.out, "launcher: %s dropped: nobody read it\n", counted(dropped, "line of this log was", "lines of this log were"))
	}
	c.draw()
}

func (c *console) draw() {
	c.mu.Lock()
	loading, since := c.loading, c.since
	c.mu.Unlock()
	if c.animated && loading != "" {
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

// queued are lines that are to be written.
type queued struct {
	text   []byte
	output bool // of the application: counted by the outputQueue
}

// Write queues whole lines.
func (c *console) Write(lines []byte) (int, error) {
	c.queue(queued{text: bytes.Clone(lines)})
	return len(lines), nil
}

func (c *console) queue(lines queued) {
	select {
	case c.lines <- lines:
	default:
		if lines.output {
			c.output.giveBack(len(lines.text))
		}
		c.drop()
	}
}

func (c *console) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped++
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

// Served implements preforker.Observer: a line where a few workers serve all slots so far.
func (c *console) Served(generation, slots, workers int, seeds bool) {
	switch {
	case workers == slots: // the next line says more
	case c.served || c.shown:
		c.log.Info("all slots are served", keyGeneration, generation, keyWorkers, workers)
	case c.direct != nil:
		c.log.Info("all slots are served", keyWorkers, workers, c.address.Key, c.address.Value)
	default:
		others := "the others follow"
		if seeds {
			others = "the others come once one is warm"
		}
		fmt.Fprintln(c, counted(slots, "slot is served", "slots are served")+", by "+counted(workers, "worker", "workers")+" so far: "+others+c.where())
	}
	c.served = true
	c.setLoading("")
}

// Serving implements preforker.Observer: a table the first time, a line later.
func (c *console) Serving(generation int, workers []preforker.WorkerView) {
	c.setLoading("")
	if c.shown {
		c.log.Info("all slots have a ready worker", keyGeneration, generation)
		return
	}
	c.shown = true
	if c.direct != nil {
		c.log.Info("all workers are ready", keyWorkers, len(workers), c.address.Key, c.address.Value)
		return
	}
	table := tabwriter.NewWriter(c, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SLOT\tPID\tSTATE\tSOCKET")
	for _, w := range workers {
		fmt.Fprintf(table, "%d\t%d\t%v\t%s\n", w.Slot, w.Pid, w.State, w.Socket)
	}
	_ = table.Flush()
	fmt.Fprintln(c, counted(len(workers), "worker is ready", "workers are ready")+c.where())
}

// where is what a web server is to be told, at the end of a sentence.
func (c *console) where() string {
	if c.address.Key == keyInclude {
		return fmt.Sprintf(". lighttpd: include %q", c.address.Value.String())
	}
	return ": " + c.address.Value.String()
}

// counted returns a number with the words for one or for several.
func counted(number int, one, several string) string {
	if number == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", number, several)
}

// Settled implements preforker.Observer.
func (c *console) Settled() { c.setLoading("") }

// Stopping implements preforker.Observer.
func (c *console) Stopping() { c.setLoading("") }
