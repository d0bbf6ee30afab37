package preforker

import (
	"errors"

	"launcher/preforker/core"
	"launcher/preforker/hint"
	"launcher/preforker/internal/wire"
	"launcher/preforker/ruby"
)

// A notice is what goroutines tell the loop: a core.Event, or something that the loop alone
// has to do with.
type notice any

// translate returns the event that a notice is to the core, after what the loop has to do about it itself. False:
// it is none.
func (s *Supervisor) translate(n notice) (core.Event, bool) {
	switch n := n.(type) {
	case preloaderEnded:
		return s.releasePreloader(n), true
	case workerEnded:
		return s.releaseWorker(n), true
	case forgottenWorkerClosed:
		s.releaseForgotten(n)
	case folderChecked:
		return s.folderChecked(n)
	case healthAsked:
		n.reply <- s.healthTargets(n.targets)
	case readinessAsked:
		n.reply <- readinessOf(s.core.Condition())
	case statusAsked:
		n.reply <- s.snapshot()
	case followerCame:
		s.followers[n.by] = true
		return s.translate(n.event) // nil: it is about facts alone
	case followerLeft:
		s.dismiss(n.by)
	case core.RestartAsked:
		s.prepareRestart()
		return n, true
	case core.KillAsked:
		return s.withRequests(n), true
	case scalesResumed:
		s.scalesResumed()
	case scaleAsked:
		s.scale(n)
	case reopenAsked:
		s.tellToReopen(n)
	case helpersSeen:
		s.noteHelpers(n)
	case core.PreloaderChannelClosed:
		return s.preloaderChannelClosed(n), true
	case core.PreloaderLoaded:
		return s.preloaderLoaded(n), true
	case core.WorkerLoaded:
		if w := s.workers[n.Key]; w != nil {
			w.reopen.loaded(w.conn)
		}
		return n, true
	case core.WorkerReforked:
		s.followPreloaderPid(n.Origin, n.Pid)
		return n, true
	case core.WorkerSpawned:
		s.followWorker(n.Key, n.Pid)
		return n, true
	case core.WorkerReady:
		s.followWorker(n.Key, n.Pid)
		return n, true
	case core.Event:
		return n, true
	}
	return nil, false
}

func (s *Supervisor) preloaderLoaded(n core.PreloaderLoaded) core.Event {
	s.followPreloaderPid(n.Origin, n.Loaded.Pid)
	if p := s.preloaders[n.Origin]; p != nil {
		p.reopen.loaded(p.conn)
	}
	return n
}

// The messages of Ruby and the data of the core have the same fields: neither knows the other.

func helloOf(m wire.Hello) core.Hello { return core.Hello{Pid: m.Pid, Ruby: m.Ruby} }

func loadOf(m wire.Loaded) core.Load {
	return core.Load{Pid: m.Pid, Ruby: m.Ruby, Rails: m.Rails, Rack: m.Rack, Seconds: m.Seconds, Findings: findingsOf(m.Findings)}
}

func threadsOf(told []wire.Thread) []core.Thread {
	var threads []core.Thread
	for _, t := range told {
		threads = append(threads, core.Thread(t))
	}
	return threads
}

func findingsOf(found []wire.Finding) []core.Finding {
	var findings []core.Finding
	for _, f := range found {
		findings = append(findings, core.Finding{Kind: f.Kind, Text: f.Text, Where: f.Where, Advice: f.Advice})
	}
	return findings
}

func refusalOf(m wire.NotReforked) core.Refusal {
	refusal := core.Refusal{Findings: findingsOf(m.Findings)}
	if m.Error != nil {
		failure := core.Failure(*m.Error)
		refusal.Error = &failure
	}
	return refusal
}

func failedOf(m *wire.Failed) *core.Failed {
	if m == nil {
		return nil
	}
	return &core.Failed{Stage: m.Stage, Failure: core.Failure(m.Error)}
}

// startErrorOf keeps what a person can do about an error.
func startErrorOf(err error) *core.StartError {
	return &core.StartError{Text: err.Error(), Try: hint.Of(err)}
}

// loadErrorOf is the report of a load that failed.
func loadErrorOf(f core.LoadFailure) error {
	end := ruby.LoadEnd{Exit: f.Exit, Lines: f.Lines, Program: f.Program, Silent: f.Was == core.StartingPreloader,
		TimedOut: f.Reason == core.ReasonBootTimeout, ChannelClosed: f.Reason == core.ReasonChannelClosed, Timeout: f.Timeout}
	if f.Failed != nil {
		end.Failed = &wire.Failed{Stage: f.Failed.Stage, Error: wire.Failure(f.Failed.Failure)}
	}
	if f.StartError != nil {
		end.Start = errors.New(f.StartError.Text)
		if f.StartError.Try != "" {
			end.Start = &hint.Error{Err: end.Start, Try: f.StartError.Try}
		}
	}
	return end.Err()
}
