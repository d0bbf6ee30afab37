package preforker

import (
	"bufio"
	"os"
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
	pipe *os.File
	done chan struct{}
	last []string
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
	reader := bufio.NewReaderSize(o.pipe, lineMax)
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

// straggle is how long the output of a process that has ended is waited for. Its
// end comes at once, unless a process that it started holds the pipe open.
const straggle = 250 * time.Millisecond

// lines ends the reading and answers the last lines. It is called after the process
// has ended.
func (o *output) lines() []string {
	if o == nil {
		return nil // it has written to the real standard error from its birth
	}
	// A pipe takes deadlines; this one cannot be closed yet either.
	_ = o.pipe.SetReadDeadline(time.Now().Add(straggle))
	<-o.done
	_ = o.pipe.Close()
	return o.last
}
