//go:build linux

package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	bar "github.com/jedib0t/go-pretty/v6/progress"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/preforker/printable"
	"launcher/preforker/proc"
)

// progress shows how far an experiment is: by a bar on a terminal, by lines elsewhere. It implements
// experiment.Observer.
type progress struct {
	out     io.Writer
	bar     bar.Writer // nil where standard error is no terminal
	tracker *bar.Tracker
	ended   chan struct{} // closed when the bar is drawn no more

	mu      sync.Mutex
	runs    int
	run     int // the current one, from 0
	title   string
	until   time.Time // when the last run will be over; zero where that is unknown
	stopped bool
}

// steps is how many parts of the bar a run has.
const steps = 100

const barLength = 24

func newProgress(out *os.File) *progress {
	p := &progress{out: out, ended: make(chan struct{})}
	if !canErase(out) {
		close(p.ended)
		return p
	}
	p.bar = bar.NewWriter()
	p.bar.SetOutputWriter(out)
	p.bar.SetAutoStop(false)
	p.bar.SetTrackerLength(barLength)
	p.bar.SetTrackerPosition(bar.PositionRight)
	p.bar.SetUpdateFrequency(200 * time.Millisecond)
	p.bar.SetTerminalWidth(max(40, terminalWidth(out, tableWidth)))
	style := p.bar.Style()
	style.Visibility = bar.StyleVisibility{Percentage: true, Tracker: true}
	p.tracker = &bar.Tracker{Total: 1, Message: "looking for servers"}
	p.bar.AppendTracker(p.tracker)
	go func() {
		defer close(p.ended)
		p.bar.Render()
	}()
	return p
}

// close ends the bar and leaves a clean line.
func (p *progress) close() {
	if p.bar != nil {
		p.tracker.MarkAsDone()
		p.bar.Stop()
	}
	<-p.ended
}

// say prints a line above the bar.
func (p *progress) say(format string, args ...any) {
	text := printable.Escape(fmt.Sprintf(format, args...))
	if p.bar != nil {
		p.bar.Log("%s", text)
		return
	}
	fmt.Fprintln(p.out, text)
}

// show moves the bar to a part of the current run, from 0 to steps.
func (p *progress) show(what string, part int) {
	text := fmt.Sprintf("%s, %s", p.title, what)
	if p.stopped {
		text = "stopping: " + text
	} else if !p.until.IsZero() {
		text += ", " + inWords(time.Until(p.until))
	}
	p.tracker.UpdateMessage(text)
	p.tracker.SetValue(int64(p.run*steps + part))
}

// stopping says that a signal has come.
func (p *progress) stopping() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.stopped = true
		p.say("stopping; what is measured is kept")
	}
}

// Planned implements experiment.Observer.
func (p *progress) Planned(runs int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs = runs
	if p.bar != nil {
		p.tracker.UpdateTotal(int64(runs * steps))
	}
}

// Working implements experiment.Observer.
func (p *progress) Working(method experiment.Method, processes int, what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.title = fmt.Sprintf("run %d of %d: %s × %d", p.run+1, p.runs, method, processes)
	if p.bar == nil {
		p.say("%s, %s", p.title, what)
		return
	}
	part := 0
	if what == "settling" || what == "stopping" {
		part = steps - 1
	}
	p.show(what, part)
}

// Requested implements experiment.Observer.
func (p *progress) Requested(done, failed, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		return
	}
	text := fmt.Sprintf("request %d of %d", done, of)
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	p.show(text, done*(steps-1)/of)
}

// Finished implements experiment.Observer.
func (p *progress) Finished(run experiment.Run, ahead int, left time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.run = p.runs - ahead
	p.until = time.Time{}
	if ahead > 0 {
		p.until = time.Now().Add(left)
	}
	switch {
	case run.Error != "":
		p.say("%-9s × %-2d  failed: %s", run.Method, run.Processes, run.Error)
	default:
		p.say("%-9s × %-2d  launched in %.1f s, %d MB; peak %d MB; %.0f requests/s%s", run.Method, run.Processes,
			run.LaunchSeconds, run.Launched.PSS/proc.MB, run.Peak.PSS/proc.MB, run.Traffic.Throughput, errorsOf(run.Traffic))
	}
	if p.bar == nil && ahead > 0 {
		p.say("%s", inWords(left))
	}
}

func errorsOf(t experiment.Traffic) string {
	if t.Errors == 0 {
		return ""
	}
	text := fmt.Sprintf("; %d of %d requests failed", t.Errors, t.Requests+t.Errors)
	if len(t.Failures) > 0 {
		text += " (" + t.Failures[0].Text + ")"
	}
	return text
}

// LeftOut implements experiment.Observer.
func (p *progress) LeftOut(s experiment.Skipped) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.say("%s is left out: %s", s.Method, strings.TrimSpace(s.Reason))
}

// Warned implements experiment.Observer.
func (p *progress) Warned(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.say("%s", text)
}

// inWords returns the time that is left, rounded.
func inWords(left time.Duration) string {
	switch {
	case left < 2*time.Second:
		return "a moment left"
	case left < 90*time.Second:
		return fmt.Sprintf("about %d s left", int(left.Seconds()+0.5))
	default:
		return fmt.Sprintf("about %d min left", int(left.Minutes()+0.5))
	}
}
