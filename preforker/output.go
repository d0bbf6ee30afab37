package preforker

import (
	"bufio"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// What is kept of the lines that an application prints while it loads.
const (
	linesKept   = 10
	lineMax     = 4096 // bytes; the rest of a longer line is dropped, and said so
	lineDropped = " … (cut)"
)

// output reads what one preloader prints, line by line, and keeps the last ones.
type output struct {
	pipe  *os.File
	ended atomic.Bool // the process, so that nobody waits long for more
	rest  int         // bytes read since then
	done  chan struct{}
	last  []string
}

func readOutput(pipe *os.File, line func(string)) *output {
	o := &output{pipe: pipe, done: make(chan struct{})}
	go func() {
		defer close(o.done)
		o.read(line)
	}()
	return o
}

func (o *output) read(line func(string)) {
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
		if o.last = append(o.last, kept); len(o.last) > linesKept {
			o.last = o.last[1:]
		}
		line(kept)
	}
}

// How long the output of a process that has ended is waited for, and how much of it is read. Its
// end comes at once, unless a process that it started holds the pipe open.
const (
	straggle    = 250 * time.Millisecond // without a byte
	straggleMax = 1 << 20                // bytes; a pipe has 64 kB, and at most so many without privileges
)

// straggling is the pipe of a process that may have ended. Whatever is in the pipe by then is read, however
// slowly its lines are taken: the time runs anew with each read.
type straggling struct{ *output }

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

// lines ends the reading and answers the last lines. It is called after the process
// has ended.
func (o *output) lines() []string {
	if o == nil {
		return nil // it has written to the real standard error from its birth
	}
	o.ended.Store(true)
	// For a read that waits already. The pipe cannot be closed yet.
	_ = o.pipe.SetReadDeadline(time.Now().Add(straggle))
	<-o.done
	_ = o.pipe.Close()
	return o.last
}
