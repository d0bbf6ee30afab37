package preforker

import (
	"fmt"
	"os"
	"syscall"

	"launcher/preforker/internal/wire"
)

// preloaderProcess is the supervisor's view of a preloader.
type preloaderProcess struct {
	*rubyProcess
	generation int
	failed     *wire.Failed // written by its reader, read after its exit
}

func (s *Supervisor) startPreloader(generation int) event {
	settings := s.settings(generation)
	settings["without"] = joinLevers(s.config.Without, "\n")
	s.config.Warmup.addTo(settings)
	ruby, err := s.launchRuby(fmt.Sprintf("control gen=%d", generation), settings, s.rubyVariables())
	if err != nil {
		return preloaderExited{generation: generation, startError: err}
	}
	p := &preloaderProcess{rubyProcess: ruby, generation: generation}
	s.preloaders[generation] = p
	s.tasks.Go(func() { s.followPreloader(p) })
	return nil
}

// followPreloader posts what a preloader says, and last of all its end.
func (s *Supervisor) followPreloader(p *preloaderProcess) {
	read := make(chan struct{})
	go func() {
		defer close(read)
		s.readPreloader(p)
		s.post(preloaderMute{p.generation})
	}()
	if err := p.child.Await(); err != nil {
		s.log.Error("preloader could not be waited for", keyGeneration, p.generation, keyError, err)
	}
	p.conn.Finish()
	<-read
	s.post(preloaderEnded{p, p.output.lines()})
}

// preloaderEnded is the process's end; the loop makes preloaderExited of it once it
// has let go of the process.
type preloaderEnded struct {
	process *preloaderProcess
	lines   []string
}

func (preloaderEnded) isEvent() {}

func (s *Supervisor) readPreloader(p *preloaderProcess) {
	for {
		message, err := receive(p.conn)
		if err != nil {
			if !isEnd(err) {
				s.log.Error("preloader sent nonsense", keyGeneration, p.generation, keyError, err)
			}
			return
		}
		switch m := message.(type) {
		case wire.Hello:
			if failed := checkHello(m, s.config.Ruby); failed != nil {
				p.failed = failed
				_ = p.child.Signal(syscall.SIGKILL)
				continue
			}
			s.post(preloaderHello{p.generation, m})
		case wire.Loaded:
			s.rememberHeap(m)
			s.post(preloaderLoaded{p.generation, m})
		case wire.Failed:
			p.failed = &m
		case wire.Spawned:
			s.post(workerSpawned{m.Key, m.Pid})
		case wire.SpawnFailed:
			s.post(workerSpawnFailed{m.Key, m.Error})
		}
	}
}

// rememberHeap is for the next start. It is no harm where the folder of the sockets
// cannot be written to.
func (s *Supervisor) rememberHeap(m wire.Loaded) {
	if len(m.Slots) == 0 {
		return
	}
	if err := s.heap.write(m.Ruby, m.Slots); err != nil {
		s.log.Debug("the size of the Ruby heap could not be kept", keyError, err)
	}
}

// preloaderGone lets go of a preloader that has ended, for the core to decide.
func (s *Supervisor) preloaderGone(e preloaderEnded) event {
	p := e.process
	exit, err := p.child.Reap()
	if err != nil {
		s.log.Error("preloader could not be reaped", keyGeneration, p.generation, keyError, err)
	}
	delete(s.preloaders, p.generation)
	_ = p.conn.Close()
	s.reapStrangers()
	return preloaderExited{generation: p.generation, exit: exit, failed: p.failed, lines: e.lines}
}

func (s *Supervisor) tellPreloader(generation int, message any, files ...*os.File) {
	p := s.preloaders[generation]
	if p == nil {
		return // it has ended; the core hears of it next
	}
	if err := send(p.conn, message, files...); err != nil {
		s.log.Warn("preloader could not be told", keyGeneration, generation, keyError, err)
	}
}

func (s *Supervisor) signalPreloader(a signalPreloader) {
	p := s.preloaders[a.generation]
	if p == nil {
		return
	}
	if err := p.child.Signal(a.signal); err != nil {
		s.log.Warn("preloader could not be signalled", keyGeneration, a.generation, keyError, err)
	}
	if !a.group {
		return
	}
	if err := p.signalGroup(a.signal); err != nil {
		s.log.Warn("preloader's group could not be signalled", keyGeneration, a.generation, keyError, err)
	}
}
