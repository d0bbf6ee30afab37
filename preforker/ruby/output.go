package ruby

import (
	"bufio"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"launcher/preforker/printable"
	"launcher/scripts"
)

// What is kept of the lines that an application prints while it loads.
const (
	linesKept   = 10
	lineMax     = 4096 // bytes; the rest of a longer line is dropped, and said so
	lineDropped = " … (cut)"
)

// What is held back of what has not shown yet to be a Ruby, and of each line of it that is shown in
// the end. Ruby may have printed a lot before its word is heard, which is no reason to lose any of
// it.
const (
	heldMax        = 1 << 20 // bytes, of which an empty line takes heldLine too
	heldLine       = 16
	unknownLineMax = 200
)

// Output reads what one Ruby prints, line by line, and keeps the last ones. Until that has shown to
// be a Ruby nothing is passed on: "cat" in its place prints the program that it is given.
type Output struct {
	pipe   *os.File
	line   func(string)
	ended  atomic.Bool // the process, so that nobody waits long for more
	rest   int         // bytes read since then
	done   chan struct{}
	silent *time.Timer // nil where nobody is to be told
	tasks  sync.WaitGroup

	passing sync.Mutex // held while lines are passed on, in their order

	mu       sync.Mutex
	first    string
	last     []string
	crash    crashReport
	admitted bool
	held     []string
	size     int // of what is held
}

// readOutput begins to read a pipe. Line takes what is passed on, one line at a time; it may wait.
func readOutput(pipe *os.File, line func(string)) *Output {
	o := &Output{pipe: pipe, line: line, done: make(chan struct{})}
	go func() {
		defer close(o.done)
		o.read()
	}()
	return o
}

// Admit has everything passed on, now that it is known to be of a Ruby. It does not wait for who
// reads that.
func (o *Output) Admit() {
	if o == nil {
		return
	}
	o.stopWaiting()
	o.mu.Lock()
	o.admitted = true
	o.mu.Unlock()
	o.tasks.Go(o.pass)
}

// Serve has lines passed on in another way from here on: the application is loaded.
func (o *Output) Serve(line func(string)) {
	o.passing.Lock()
	defer o.passing.Unlock()
	o.line = line
}

// whenSilent has somebody told where it takes long for it to show that it is a Ruby.
func (o *Output) whenSilent(after time.Duration, tell func()) { o.silent = time.AfterFunc(after, tell) }

func (o *Output) stopWaiting() {
	if o.silent != nil {
		o.silent.Stop()
	}
}

func (o *Output) read() {
	reader := bufio.NewReaderSize(straggling{o}, lineMax)
	for {
		text, more, err := reader.ReadLine()
		if err != nil {
			return
		}
		kept := string(text)
		if more {
			kept += lineDropped
		}
		for more && err == nil {
			_, more, err = reader.ReadLine()
		}
		o.take(kept)
	}
}

func (o *Output) take(text string) {
	o.mu.Lock()
	if len(o.last) == 0 {
		o.first = text
	}
	o.crash.take(text)
	if o.last = append(o.last, text); len(o.last) > linesKept {
		o.last = o.last[1:]
	}
	o.held = append(o.held, text)
	for o.size += heldLine + len(text); o.size > heldMax; o.held = o.held[1:] {
		o.size -= heldLine + len(o.held[0])
	}
	o.mu.Unlock()
	o.pass()
}

// pass passes on what is held, where it may be.
func (o *Output) pass() {
	o.passing.Lock()
	defer o.passing.Unlock()
	o.mu.Lock()
	var lines []string
	if o.admitted {
		lines, o.held, o.size = o.held, nil, 0
	}
	o.mu.Unlock()
	for _, line := range lines {
		o.line(line)
	}
}

// How long the output of a process that has ended is waited for, and how much of it is read. Its
// end comes at once, unless a process that it started holds the pipe open.
const (
	straggle    = 250 * time.Millisecond // without a byte
	straggleMax = 1 << 20                // bytes; a pipe has 64 kB, and at most so many without privileges
)

// straggling is the pipe of a process that may have ended. Whatever is in the pipe by then is read,
// however slowly its lines are taken: the time runs anew with each read.
type straggling struct{ *Output }

func (o straggling) Read(p []byte) (int, error) {
	if !o.ended.Load() {
		return o.pipe.Read(p)
	}
	if o.rest >= straggleMax {
		return 0, io.EOF
	}
	_ = o.pipe.SetReadDeadline(time.Now().Add(straggle)) // a pipe takes deadlines
	n, err := o.pipe.Read(p)
	o.rest += n
	return n, err
}

// Lines ends the reading and returns the last lines. It is called after the process
// has ended.
func (o *Output) Lines() []string {
	if o == nil {
		return nil // it was forked, and has a pipe of its own
	}
	o.stopWaiting()
	o.ended.Store(true)
	// For a read that waits already. The pipe cannot be closed yet.
	_ = o.pipe.SetReadDeadline(time.Now().Add(straggle))
	<-o.done
	_ = o.pipe.Close()
	o.tasks.Wait()
	switch {
	case o.admitted:
		return o.crash.lines(o.last)
	case scripts.BeginsWith(o.first):
		return []string{"the program that it was given, and did not run"}
	}
	var lines []string
	for _, line := range o.last {
		if len(line) > unknownLineMax {
			line = printable.Cut(line, unknownLineMax) + lineDropped
		}
		lines = append(lines, line)
	}
	return lines
}
