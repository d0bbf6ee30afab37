package preforker

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
	"launcher/preforker/internal/wire"
	"launcher/preforker/linux"
	"launcher/preforker/proc"
	"launcher/preforker/ruby"
	"launcher/preforker/smallfile"
	"launcher/preforker/sockets"
)

// Supervisor keeps the workers of one application. Make it with New, which binds the
// sockets, and call Run once.
type Supervisor struct {
	config  Config
	log     *slog.Logger
	core    *core
	dir     *sockets.Folder
	pid     *sockets.PidFile
	control *control
	upkeep  upkeep
	sockets *sockets.Listeners
	board   *os.File
	records *records
	heap    *ruby.HeapFile
	measure *measurer // nil where nothing is to be measured
	survey  *survey

	events chan event
	// done is closed when the loop has ended, so that late events find no reader
	// and their goroutines still end.
	done  chan struct{}
	tasks sync.WaitGroup // goroutines that post events or outlive their action
	began time.Time

	preloaders map[ident.Origin]*preloaderProcess
	workers    map[ident.Key]*workerProcess
	forgotten  map[*workerProcess]bool // given up, but perhaps still there
	helpers    map[ident.Key]*helpers
	passes     passes
	hurry      context.Context // ends when nobody is to be waited for
	hasten     context.CancelFunc
	finished   bool
	verdict    error
}

// boardRecords bounds the scoreboard. The file is sparse: a record that was never
// written costs nothing.
const boardRecords = 4 * ident.MaxWorkers

// New locks the socket folder and binds the sockets. Whatever it made is undone
// when it fails. Connections wait from here on.
func New(config Config) (*Supervisor, error) {
	if err := sockets.CheckPaths(config.SocketDir, config.Workers); err != nil {
		return nil, err
	}
	if err := checkDescriptors(config.Workers); err != nil {
		return nil, err
	}
	s := &Supervisor{
		config: config, log: config.Log,
		core:    newCore(config.Workers, policyOf(config), rand.Float64),
		records: &records{}, heap: ruby.NewHeapFile(config.SocketDir, config.Ruby, config.App),
		events: make(chan event, 64), done: make(chan struct{}), began: time.Now(),
		preloaders: map[ident.Origin]*preloaderProcess{}, workers: map[ident.Key]*workerProcess{},
		forgotten: map[*workerProcess]bool{}, helpers: map[ident.Key]*helpers{},
		passes: passes{read: proc.Processes},
	}
	s.hurry, s.hasten = context.WithCancel(context.Background())
	s.survey = newSurvey(&s.tasks)
	if err := s.acquire(); err != nil {
		s.verdict = err
		s.release()
		return nil, err
	}
	return s, nil
}

func policyOf(config Config) policy {
	return policy{bootTimeout: config.BootTimeout, drainTimeout: config.DrainTimeout,
		method: config.SpawnMethod, loadsAtOnce: runtime.GOMAXPROCS(0), // the CPUs that it may use
		renewal: config.Renewal, refork: config.Refork, memoryLimit: memoryLimit(config.Log)}
}

// memoryLimit is what bounds a budget that is chosen; it can be chosen without.
func memoryLimit(log *slog.Logger) uint64 {
	limit, err := proc.Limit()
	if err != nil {
		log.Warn("the limit of memory is unknown", keyError, err)
	}
	return limit
}

func (s *Supervisor) acquire() (err error) {
	if s.dir, err = sockets.MakeFolder(s.config.SocketDir); err != nil {
		return err
	}
	if s.pid, err = sockets.LockPidFile(s.config.SocketDir); err != nil {
		return err
	}
	smallfile.RemoveTemporary(s.config.SocketDir)
	if s.control, err = bindControl(s.config.SocketDir, sockets.Staleness{Predecessor: s.pid.Predecessor}); err != nil {
		return err
	}
	options := linux.SocketOptions{Mode: s.config.SocketMode, Gid: s.config.SocketGroup}
	if s.sockets, err = sockets.BindAll(s.config.SocketDir, s.config.Workers, options, s.pid.Predecessor); err != nil {
		return err
	}
	if err := s.dir.WriteSnippet(s.config.SnippetName, s.config.Snippet); err != nil {
		return err
	}
	if s.board, err = linux.MemoryFile(scoreboard.FileName(s.config.SocketDir), boardRecords*scoreboard.RecordSize); err != nil {
		return fmt.Errorf("create scoreboard: %w", err)
	}
	if err := linux.SealSize(s.board); err != nil {
		return fmt.Errorf("seal scoreboard: %w", err)
	}
	if err := linux.BecomeSubreaper(); err != nil {
		return fmt.Errorf("become the parent of workers: %w", err)
	}
	if s.config.SpawnMethod != SpawnDirect && !slices.Contains(s.config.Without, ruby.OptimizationHugePages) {
		// On this process, from which Ruby inherits it: a huge page that a worker writes
		// one byte to is 2 MB that are no longer shared.
		if err := linux.DisableHugePages(); err != nil {
			s.log.Warn("huge pages could not be switched off", keyError, err)
		}
	}
	return nil
}

func (s *Supervisor) release() {
	if s.sockets != nil {
		s.sockets.Close()
	}
	if s.board != nil {
		_ = s.board.Close()
	}
	if s.control != nil {
		s.control.close()
	}
	if s.pid != nil {
		s.pid.Release()
	}
	if s.dir != nil && s.verdict != nil {
		s.dir.Undo()
	}
}

// Run supervises until Stop, or the failure of the first load, ends it. It answers
// once no process of its own is left.
func (s *Supervisor) Run() error {
	defer s.release()
	defer s.hasten()
	looks := time.NewTicker(folderPeriod)
	defer looks.Stop()
	children := make(chan os.Signal, 1) // one pending signal says all there is to say
	signal.Notify(children, syscall.SIGCHLD)
	defer signal.Stop(children)

	if s.core.measures() {
		s.measure = newMeasurer(s.board, s.post, s.config.Renewal.Budget.Bytes)
		s.tasks.Go(func() { s.measure.run(s.done) })
	}
	s.tasks.Go(func() { s.followHealth(newHealth(s.board, s.config.DrainTimeout, linux.QueueLengths, s.post)) })
	if s.pid.Predecessor != 0 {
		s.tasks.Go(s.endPredecessor)
	}
	s.serveControl()
	s.handle(started{})
	for !s.finished {
		select {
		case e := <-s.events:
			s.handle(e)
		case <-children:
			s.reapOrphans()
		case <-looks.C:
			s.lookAtFolder()
		}
	}
	s.config.Observer.Stopping()
	close(s.done)
	for w := range s.forgotten {
		_ = w.conn.Close()
	}
	s.refuseBacklog()
	s.tasks.Wait()
	s.reapOrphans()
	return s.verdict
}

// Stop drains every worker and ends Run. By names who asks, for the log.
func (s *Supervisor) Stop(by string) { s.post(stopAsked{by, false}) }

// StopAfterFront is Stop where requests come from the launcher's own front: the workers serve on
// until FrontStopped says that it has finished. The time to drain begins now, for all together.
func (s *Supervisor) StopAfterFront(by string) { s.post(frontStops{by}) }

// FrontStopped follows StopAfterFront.
func (s *Supervisor) FrontStopped() { s.post(frontStopped{}) }

// Kill ends Run at once: no worker finishes what it does. The loop may have ended before.
func (s *Supervisor) Kill(by string) {
	s.hasten()
	s.post(stopAsked{by, true})
}

// Restart loads the application anew beside the old one, and moves the slots over.
func (s *Supervisor) Restart(by string) { s.post(restartAsked{by}) }

// handle takes one event through the core and carries out what it says. An
// action's own failure is an event, and comes after the actions of this one.
func (s *Supervisor) handle(e event) {
	queue := []event{e}
	for len(queue) > 0 {
		next := s.letGo(queue[0])
		queue = queue[1:]
		if next == nil {
			continue // it was of no interest to the core
		}
		actions := s.core.step(time.Since(s.began), next)
		for _, a := range actions {
			if failed := s.perform(a); failed != nil {
				queue = append(queue, failed)
			}
		}
	}
}

// letGo frees what belongs to a process that has ended, before the core hears of it.
func (s *Supervisor) letGo(e event) event {
	switch e := e.(type) {
	case preloaderEnded:
		return s.preloaderGone(e)
	case workerEnded:
		return s.workerGone(e)
	case workerSilent:
		s.forgottenGone(e)
		return nil
	case folderLooked:
		return s.folderLooked(e)
	case healthAsked:
		e.reply <- s.healthTargets()
		return nil
	case statusAsked:
		e.reply <- s.snapshot()
		return nil
	case preloaderMute:
		return s.preloaderMute(e)
	case helpersSeen:
		s.noteHelpers(e)
		return nil
	case preloaderLoaded:
		s.followPreloaderPid(e.origin, e.loaded.Pid)
	case workerReforked:
		s.followPreloaderPid(e.origin, e.pid)
	case workerSpawned:
		s.followWorker(e.key, e.pid)
	case workerReady:
		s.followWorker(e.key, e.pid)
	}
	return e
}

// post hands an event to the loop, from any other goroutine.
func (s *Supervisor) post(e event) {
	select {
	case s.events <- e:
	case <-s.done:
	}
}

// perform carries out one action. It answers an event where that failed in a way
// that the core decides about.
func (s *Supervisor) perform(a action) event {
	switch a := a.(type) {
	case startPreloader:
		return s.startPreloader(a.generation)
	case retirePreloader:
		s.tellPreloader(a.origin, wire.Retire{Last: a.last})
	case signalPreloader:
		s.signalPreloader(a)
	case reforkWorker:
		s.reforkWorker(a)
	case spawnWorker:
		return s.spawnWorker(a.key)
	case drainWorker:
		s.drainWorker(a)
	case killWorker:
		s.killWorker(a)
	case continueWorker:
		s.continueWorker(a.key)
	case askWorker:
		s.askWorker(a.key)
	case forgetWorker:
		s.forgetWorker(a)
	case openSlot:
		return s.openSlot(a.slot)
	case rebindSlot:
		return s.rebindSlot(a.slot)
	case closeSlot:
		s.closeSlot(a.slot)
	case hideSlots:
		s.sockets.Hide()
	case watchWorker:
		s.watchWorker(a.key)
	case measurePreloader:
		if p := s.preloaders[a.origin]; p != nil && p.child != nil {
			s.measure.preloader(a.origin, p.child.Pid)
		}
	case setBudget:
		s.measure.set(a.bytes)
	case setTimer:
		s.setTimer(a)
	case logged:
		s.log.LogAttrs(context.Background(), a.level, a.text, a.attrs...)
	case tellLoading:
		s.config.Observer.Loading(a.generation)
	case tellLoaded:
		s.config.Observer.Loaded(a.generation)
	case tellSettled:
		s.config.Observer.Settled()
	case announce:
		s.config.Observer.Serving(a.generation, s.views())
		s.releaseFilePages()
	case finish:
		s.finished, s.verdict = true, a.err
	}
	return nil
}

// setTimer posts an event later. A timer is never taken back; those that are
// pending when the loop ends find it gone.
func (s *Supervisor) setTimer(a setTimer) {
	time.AfterFunc(a.after, func() { s.post(timerFired{a.timer}) })
}

func (s *Supervisor) views() []WorkerView {
	var views []WorkerView
	for _, slot := range s.core.slots {
		for _, w := range slot.workers {
			views = append(views, WorkerView{Slot: slot.number, Generation: w.key.Generation, Pid: w.pid,
				State: w.state, Socket: s.sockets.Path(slot.number)})
		}
	}
	return views
}
