package preforker

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
	"launcher/preforker/linux"
	"launcher/preforker/ruby"
)

// preloaderProcess is the supervisor's view of a preloader.
type preloaderProcess struct {
	origin  ident.Origin
	child   *linux.Child      // nil until the pid of one that a worker has forked is known
	conn    *linux.PacketConn // also its life line
	output  *ruby.Output      // nil for one that a worker has forked
	forked  *ruby.Captured    // the same of one that a worker has forked, else nil
	lowered lowered           // what of its priority
	reopen  reopening
	killed  bool          // by this supervisor
	failed  *wire.Failed  // written by its reader, read after its exit
	read    chan struct{} // closed when everything that it said was posted
}

func (s *Supervisor) startPreloader(a core.StartPreloader) core.Event {
	generation := a.Generation
	origin := ident.Origin{Generation: generation}
	start := s.rubyStart()
	settings, err := start.Settings(generation)
	if err != nil {
		return core.PreloaderExited{Origin: origin, StartError: startErrorOf(err)}
	}
	settings["without"] = ruby.JoinOptimizations(s.config.Without, "\n")
	settings["prepare"] = string(a.Prepare)
	s.config.Warmup.AddTo(settings)
	process, err := start.Launch(fmt.Sprintf("control gen=%d", generation), settings, s.rubyVariables())
	if err != nil {
		return core.PreloaderExited{Origin: origin, StartError: startErrorOf(err)}
	}
	s.expectHelpers(ident.Key{Generation: generation}, process.Child)
	p := s.addPreloader(origin, *process)
	if a.Low {
		s.lowerPriority(p)
	}
	s.tasks.Go(func() { s.awaitPreloader(p) })
	return nil
}

// addPreloader begins to read what a preloader says.
func (s *Supervisor) addPreloader(origin ident.Origin, process ruby.Process) *preloaderProcess {
	p := &preloaderProcess{origin: origin, child: process.Child, conn: process.Conn, output: process.Output, read: make(chan struct{}),
		reopen: reopening{loading: true}}
	s.preloaders[origin] = p
	s.tasks.Go(func() {
		defer close(p.read)
		s.readPreloader(p)
		s.post(core.PreloaderChannelClosed{Origin: origin})
	})
	return p
}

// awaitPreloader posts a preloader's end after all that it said.
func (s *Supervisor) awaitPreloader(p *preloaderProcess) {
	if err := p.child.Await(); err != nil {
		s.log.Error("preloader could not be waited for", keyPreloader, p.origin, keyError, err)
	}
	p.conn.Finish()
	<-p.read
	lines := p.output.Lines()
	if p.forked != nil {
		lines = s.endOutput(p.forked)
	}
	s.post(preloaderEnded{p, lines})
}

// preloaderEnded is the process's end; the loop makes core.PreloaderExited of it once it
// has let go of the process.
type preloaderEnded struct {
	process *preloaderProcess
	lines   []string
}

func (s *Supervisor) readPreloader(p *preloaderProcess) {
	version := "" // of its Ruby
	for {
		message, err := ruby.Receive(p.conn)
		if err != nil {
			if !ruby.IsEnd(err) {
				s.log.Error("preloader sent nonsense", keyPreloader, p.origin, keyError, err)
			}
			return
		}
		switch m := message.(type) {
		case wire.Hello:
			if failed := ruby.CheckHello(m, s.config.Ruby); failed != nil {
				p.failed = failed
				_ = p.child.Signal(syscall.SIGKILL)
				continue
			}
			p.output.Admit()
			s.post(core.PreloaderHello{Origin: p.origin, Hello: helloOf(m)})
		case wire.Loaded:
			s.rememberHeap(m.Ruby, m.Slots)
			if p.origin.Refork == 0 {
				p.output.Serve(s.passOn(&lineOrigin{preloader: p.origin.String(), pid: m.Pid}))
				s.readHelpers(ident.Key{Generation: p.origin.Generation})
			}
			s.post(core.PreloaderLoaded{Origin: p.origin, Loaded: loadOf(m)})
			version = m.Ruby
		case wire.Prepared:
			s.rememberHeap(version, m.Slots)
			s.post(core.PreloaderPrepared{Origin: p.origin, Seconds: m.Seconds, Findings: findingsOf(m.Findings)})
		case wire.Reforked:
			s.post(core.WorkerReforked{Origin: p.origin, Pid: m.Pid})
		case wire.NotReforked:
			s.post(core.WorkerNotReforked{Origin: p.origin, Why: refusalOf(m)})
		case wire.Failed:
			p.failed = &m
		case wire.Spawned:
			s.post(core.WorkerSpawned{Key: m.Key, Pid: m.Pid})
		case wire.SpawnFailed:
			s.post(core.WorkerSpawnFailed{Key: m.Key, Failure: core.Failure(m.Error)})
		}
	}
}

// rememberHeap is for the next start, and does not wait. It is no harm where the folder of the
// sockets cannot be written to.
func (s *Supervisor) rememberHeap(version string, slots map[string]int) {
	if len(slots) == 0 {
		return
	}
	s.tasks.Go(func() { // the workers are not to wait for a disk
		if err := s.heap.Write(version, slots); err != nil {
			s.log.Debug("the size of the Ruby heap could not be kept", keyError, err)
		}
	})
}

// releasePreloader lets go of a preloader that has ended, for the core to decide.
func (s *Supervisor) releasePreloader(e preloaderEnded) core.Event {
	p := e.process
	exit, err := p.child.Reap()
	if err != nil {
		s.log.Error("preloader could not be reaped", keyPreloader, p.origin, keyError, err)
	}
	delete(s.preloaders, p.origin)
	_ = p.conn.Close()
	s.endHelpersOf(ident.Key{Generation: p.origin.Generation})
	s.tasks.Go(s.releaseMemory)
	s.reapOrphans()
	return core.PreloaderExited{Origin: p.origin, Exit: exit, Failed: failedOf(p.failed), Lines: e.lines, Program: s.config.Ruby, CPU: p.child.CPU,
		OutOfMemory: s.memory.kills.explain(exit, p.killed, time.Now())}
}

func (s *Supervisor) measurePreloader(origin ident.Origin) {
	if p := s.preloaders[origin]; p != nil && p.child != nil {
		s.measure.preloader(origin, p.child.Pid)
	}
}

// instructPreloader tells a preloader what to do besides forking.
func (s *Supervisor) instructPreloader(a core.Action) {
	switch a := a.(type) {
	case core.PreparePreloader:
		s.tellPreloader(a.Origin, wire.Prepare{})
	case core.RestorePriority:
		s.restorePriority(a.Origin)
	case core.RetirePreloader:
		s.tellPreloader(a.Origin, wire.Retire{Last: a.Last})
	}
}

func (s *Supervisor) tellPreloader(origin ident.Origin, message any, files ...*os.File) {
	p := s.preloaders[origin]
	if p == nil {
		return // it has ended; the core hears of it next
	}
	if err := ruby.Send(p.conn, message, files...); err != nil {
		s.log.Warn("preloader could not be told", keyPreloader, origin, keyError, err)
	}
}

func (s *Supervisor) signalPreloader(a core.SignalPreloader) {
	p := s.preloaders[a.Origin]
	if p == nil {
		return
	}
	if p.child == nil {
		p.conn.FinishSending() // it may be there all the same: the end of its life line says it too
		return
	}
	p.killed = p.killed || a.Signal == ident.SIGKILL
	if err := p.child.Signal(syscall.Signal(a.Signal)); err != nil {
		s.log.Warn("preloader could not be signalled", keyPreloader, a.Origin, keyError, err)
	}
	if !a.Group {
		return
	}
	if err := linux.SignalGroup(p.child.Pid, syscall.Signal(a.Signal)); err != nil {
		s.log.Warn("preloader's group could not be signalled", keyPreloader, a.Origin, keyError, err)
	}
}
