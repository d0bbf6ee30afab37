package ruby

import (
	"errors"
	"os"
	"sync"

	"launcher/preforker/linux"
)

// Captured is what a process prints that was forked, from its start to its end, and what it has started prints after that.
type Captured struct {
	pipe   *linux.PipeReader
	lines  lineSplitter
	writer *os.File // the other end, until it is given away

	read chan struct{} // closed when all is passed on that was printed until End
	over bool          // nobody has the other end any more: written before read is closed
	done chan struct{} // closed when Follow returns

	mu    sync.Mutex
	last  []string
	crash crashReport
}

// Of each of the last lines so much is kept: they are for the report of an end.
const lastLineMax = 500

// straggleMost is how much is read after an end before that is told: what a full pipe has.
const straggleMost = 1 << 20

// Capture makes a pipe for what a process is about to print. Nothing is read before Follow.
func Capture(name string) (*Captured, error) {
	pipe, writer, err := linux.Pipe(name)
	if err != nil {
		return nil, err
	}
	return &Captured{pipe: pipe, writer: writer, read: make(chan struct{}), done: make(chan struct{})}, nil
}

// Writer is the end for the process. It is closed here by Given.
func (c *Captured) Writer() *os.File { return c.writer }

// Given is called once the process has its end, or will not get it.
func (c *Captured) Given() { _ = c.writer.Close() }

// Discard gives up what nobody follows.
func (c *Captured) Discard() { _ = c.pipe.Close() }

// Follow reads until nobody has the other end any more, or Discard. Line takes one line at a time; it may wait a moment,
// no longer: the process waits where the pipe is full.
func (c *Captured) Follow(line func(string)) {
	defer close(c.done)
	defer c.pipe.Close()
	c.lines.pass = func(text string) {
		c.keep(text)
		line(text)
	}
	told := false
	defer func() {
		c.lines.flush()
		if !told {
			c.over = true
			close(c.read)
		}
	}()
	for {
		err := c.pipe.Await()
		interrupted := errors.Is(err, os.ErrDeadlineExceeded)
		if err != nil && !interrupted {
			return
		}
		if !c.readAll() {
			return
		}
		if interrupted && !told {
			c.lines.flush()
			told = true
			close(c.read)
			c.pipe.Resume()
		}
	}
}

// readAll reads what is there, and returns whether more may come.
func (c *Captured) readAll() bool {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	for read := 0; read < straggleMost; {
		n, err := c.pipe.Read(*buffer)
		if errors.Is(err, linux.ErrNothing) {
			return true
		}
		if err != nil {
			return false
		}
		read += n
		c.lines.write((*buffer)[:n])
	}
	return true
}

// buffers are shared: hundreds of workers that print nothing need none.
var buffers = sync.Pool{New: func() any {
	buffer := make([]byte, 32<<10)
	return &buffer
}}

// End is called when the process has ended. It returns once what that has printed is passed on, with the last lines, and
// whether something that it has started holds the other end still.
func (c *Captured) End() (last []string, held bool) {
	c.pipe.Interrupt()
	<-c.read
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.crash.lines(c.last), !c.over
}

// Done is closed when nothing more can come.
func (c *Captured) Done() <-chan struct{} { return c.done }

func (c *Captured) keep(line string) {
	if len(line) > lastLineMax {
		line = line[:lastLineMax] + lineDropped
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.crash.take(line)
	if c.last = append(c.last, line); len(c.last) > linesKept {
		c.last = c.last[1:]
	}
}
