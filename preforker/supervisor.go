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

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
	"launcher/preforker/linux"
	"launcher/preforker/proc"
	"launcher/preforker/ruby"
	"launcher/preforker/smallfile"
	"launcher/preforker/sockets"
)

// Supervisor keeps the workers of one application. Make it with New, which binds the
// sockets, and call Run once.
type Supervisor struct {
	config      Config
	log         *slog.Logger
	core        *core.Core
	record      *recorder // nil where nothing is to be recorded
	dir         *sockets.Folder
	pid         *sockets.PidFile
	control     *control.Server
	upkeep      upkeep
	sockets     *sockets.Listeners
	endings     *linux.Endings   // of workers
	readiness   *linux.Readiness // of connections at parked slots; nil where none is parked
	ports       bool             // the slots have ports
	inherited   []Inherited      // that it gets
	kept        map[int]uint64   // inodes of the sockets that the keeper has, by slot
	handovers   handovers
	board       *os.File
	mapped      *linux.Mapping // of the board
	records     *records
	heap        *ruby.HeapFile
	measure     *measurer // nil until Run
	limits      limitMarks
	survey      *survey
	memory      memoryLimits
	gathered    gathered
	figures     figures
	restartFile restartFile

	notices chan notice
	// done is closed when the loop has ended, so that late events find no reader
	// and their goroutines still end.
	done  chan struct{}
	tasks sync.WaitGroup // goroutines that post events or outlive their action
	began time.Time

	preloaders map[ident.Origin]*preloaderProcess
	workers    map[ident.Key]*workerProcess
	forgotten  map[*workerProcess]bool // given up, but perhaps still there
	helpers    map[ident.Key]*helpers
	outputs    outputs
	processes  proc.TableReader
	followers  map[*follower]bool
	events     events
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
		config: config, log: config.Log, ports: config.Listen != nil,
		records: &records{}, handovers: handovers{}, heap: ruby.NewHeapFile(config.SocketDir, config.Ruby, config.App),
		notices: make(chan notice, 64), done: make(chan struct{}), began: time.Now(),
		preloaders: map[ident.Origin]*preloaderProcess{}, workers: map[ident.Key]*workerProcess{},
		forgotten: map[*workerProcess]bool{}, helpers: map[ident.Key]*helpers{},
		followers: map[*follower]bool{}, kept: map[int]uint64{}, figures: figures{configured: config.Workers}, restartFile: newRestartFile(config.App.Root),
	}
	s.hurry, s.hasten = context.WithCancel(context.Background())
	s.survey = newSurvey(&s.tasks)
	if err := s.begin(); err != nil {
		s.verdict = err
		s.release()
		return nil, err
	}
	return s, nil
}

// begin makes the core, once the socket folder is this launcher's: a launcher that finds it
// taken writes nothing to a record, which may be that of the one that runs.
func (s *Supervisor) begin() (err error) {
	if err := s.acquire(); err != nil {
		return err
	}
	s.memory = readMemoryLimits(s.log)
	policy, random := policyOf(s.config, s.memory.bytes), rand.Float64
	if s.config.Record != "" {
		if s.record, err = newRecorder(s.config, policy, s.began); err != nil {
			return err
		}
		random = s.record.history.Random(random)
	}
	s.core = core.New(s.config.Workers, policy, random)
	return nil
}

func policyOf(config Config, memory uint64) core.Policy {
	return core.Policy{BootTimeout: config.BootTimeout, DrainTimeout: config.DrainTimeout,
		Method: config.SpawnMethod, LoadsAtOnce: runtime.GOMAXPROCS(0), // the CPUs that it may use
		Renewal: config.Renewal, Limits: config.Limits, Refork: config.Refork, MemoryLimit: memory, MeasurePeriod: measurePeriod,
		Seeds: config.Seeds, Early: config.Early, SeedTime: config.SeedTime, Spare: config.Spare,
		Min: config.Min, IdleTimeout: config.IdleTimeout, KeepsSockets: keepsSockets(config)}
}

func (s *Supervisor) acquire() (err error) {
	if s.dir, err = sockets.MakeFolder(s.config.SocketDir); err != nil {
		return err
	}
	if s.pid, err = sockets.LockPidFile(s.config.SocketDir); err != nil {
		return err
	}
	smallfile.RemoveTemporary(s.config.SocketDir)
	if s.control, err = control.Listen(s.config.SocketDir, sockets.Staleness{Predecessor: s.pid.Predecessor}); err != nil {
		return err
	}
	if s.sockets, err = sockets.BindOthers(s.places(), s.socketOptions(), s.pid.Predecessor, s.config.Given); err != nil {
		return err
	}
	for slot, given := range s.config.Given {
		if given.Kept {
			s.kept[slot] = 0 // until that is seen to be the slot's
		}
	}
	s.keepSockets()
	if err := s.dir.WriteSnippet(s.config.SnippetName, s.config.Snippet); err != nil {
		return err
	}
	if s.board, err = linux.MemoryFile(scoreboard.FileName(s.config.SocketDir), scoreboard.Size(boardRecords)); err != nil {
		return fmt.Errorf("create scoreboard: %w", err)
	}
	if err := linux.SealSize(s.board); err != nil {
		return fmt.Errorf("seal scoreboard: %w", err)
	}
	if s.mapped, err = linux.Map(s.board); err != nil {
		return fmt.Errorf("map scoreboard: %w", err)
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
	s.record.close()
	if s.sockets != nil {
		s.sockets.Close()
	}
	s.handovers.close()
	if s.mapped != nil {
		_ = s.mapped.Close()
	}
	if s.board != nil {
		_ = s.board.Close()
	}
	if s.control != nil {
		s.control.Close()
	}
	if s.pid != nil {
		s.pid.Release()
	}
	if s.dir != nil && s.verdict != nil {
		s.dir.Undo()
	}
}

// Run supervises until Stop, or the failure of the first load, ends it. It returns
// once no process of its own is left.
func (s *Supervisor) Run() error {
	defer s.release()
	defer s.hasten()
	checks := time.NewTicker(folderPeriod)
	defer checks.Stop()
	releases := time.NewTicker(releasePeriod)
	defer releases.Stop()
	children := make(chan os.Signal, 1) // one pending signal says all there is to say
	signal.Notify(children, syscall.SIGCHLD)
	defer signal.Stop(children)

	s.measure = newMeasurer(s.mapped, s.post, s.config.Renewal.Budget.Bytes, s.config.Limits.Memory)
	s.tasks.Go(func() { s.measure.run(s.done) })
	s.tasks.Go(func() {
		s.followHealth(newHealth(s.mapped, s.config.DrainTimeout, s.queueLengths, s.post),
			newRequestClock(s.mapped, s.config.Limits, s.post))
	})
	if s.pid.Predecessor != 0 {
		s.tasks.Go(s.endPredecessor)
	}
	if s.verdict = s.followKernel(); s.verdict != nil {
		close(s.done)
		s.tasks.Wait()
		return s.verdict
	}
	beats := s.beats()
	s.serveControl()
	s.drainSurplus()
	s.handle(core.Started{})
	for !s.finished {
		select {
		case n := <-s.notices:
			s.handle(n)
		case <-beats:
			s.tellManager()
		case <-children:
			s.reapOrphans()
		case <-checks.C:
			s.memory.kills.follow(time.Now())
			s.checkFolder()
		case <-releases.C:
			s.releaseGathered()
		}
	}
	s.config.Observer.Stopping()
	close(s.done)
	s.endFollowing()
	for w := range s.forgotten {
		_ = w.conn.Close()
	}
	s.outputs.discard()
	s.refuseBacklog()
	s.discardBound()
	s.survey.close() // a scrape that was under way may be about to ask it
	s.tasks.Wait()
	s.discardNotices()
	s.reapOrphans()
	return s.verdict
}

// Stop drains every worker and ends Run. By names who asks, for the log.
func (s *Supervisor) Stop(by string) { s.post(core.StopAsked{By: by}) }

// StopAfterFront is Stop where requests come from the launcher's own front: the workers serve on
// until FrontStopped says that it has finished. The time to drain begins now, for all together.
func (s *Supervisor) StopAfterFront(by string) { s.post(core.FrontStopAsked{By: by}) }

// FrontStopped follows StopAfterFront.
func (s *Supervisor) FrontStopped() { s.post(core.FrontStopped{}) }

// Kill ends Run at once: no worker finishes what it does. The loop may have ended before.
func (s *Supervisor) Kill(by string) {
	s.hasten()
	s.post(core.StopAsked{By: by, Now: true})
}

// Restart loads the application anew beside the old one, and moves the slots over.
func (s *Supervisor) Restart(by string) { s.post(core.RestartAsked{By: by}) }

// now is the time on the clock of the core.
func (s *Supervisor) now() time.Duration { return time.Since(s.began) }

// handle takes one notice through the core and carries out what follows. An
// action's own failure is an event, and comes after the actions of this one.
func (s *Supervisor) handle(n notice) {
	queue := []notice{n}
	for len(queue) > 0 {
		e, is := s.translate(queue[0])
		queue = queue[1:]
		if !is {
			continue // it was of no interest to the core
		}
		now := s.now()
		actions := s.core.Step(now, e)
		s.record.step(now, e, actions)
		for _, a := range actions {
			if failed := s.perform(a); failed != nil {
				queue = append(queue, failed)
			}
		}
	}
	s.tellManager()
}

// post hands a notice to the loop, from any other goroutine.
func (s *Supervisor) post(n notice) {
	select {
	case s.notices <- n:
	case <-s.done:
	}
}

// discardNotices closes what comes with notices that the loop has not taken any more.
func (s *Supervisor) discardNotices() {
	for {
		select {
		case n := <-s.notices:
			if found, is := n.(folderChecked); is {
				found.discard()
			}
		default:
			return
		}
	}
}

// perform carries out one action. It returns an event where that failed in a way
// that the core decides about.
func (s *Supervisor) perform(a core.Action) core.Event {
	switch a := a.(type) {
	case core.StartPreloader:
		return s.startPreloader(a)
	case core.PreparePreloader, core.RestorePriority, core.RetirePreloader:
		s.instructPreloader(a)
	case core.SignalPreloader:
		s.signalPreloader(a)
	case core.ReforkWorker:
		s.reforkWorker(a)
	case core.SpawnWorker:
		return s.spawnWorker(a)
	case core.SpawnSpare:
		return s.spawnSpare(a.Key)
	case core.AssignSpare:
		s.assignSpare(a)
	case core.DrainWorker:
		s.drainWorker(a)
	case core.ServeBacklog:
		s.drainWorker(core.DrainWorker{Key: a.Key, Backlog: true})
	case core.KillWorker:
		s.killWorker(a)
	case core.ContinueWorker, core.AskWorker, core.LocateWorker:
		s.instructWorker(a)
	case core.ForgetWorker:
		s.forgetWorker(a)
	case core.OpenSlot, core.RebindSlot, core.CloseSlot, core.RemoveSlot, core.SetSlots, core.AwaitConnection:
		failed := s.performOnSlots(a)
		s.keepSockets()
		return failed
	case core.HideSockets:
		s.hideSockets()
	case core.LendSockets:
		s.lendSockets(a)
	case core.ReturnSockets:
		s.returnSockets(a.Key)
	case core.WatchWorker:
		s.watchWorker(a.Key)
	case core.MeasurePreloader:
		s.measurePreloader(a.Origin)
	case core.SetBudget:
		s.measure.set(a.Bytes)
	case core.SetTimer:
		s.setTimer(a)
	case core.Fact:
		s.report(a)
		s.count(a)
		s.tellFront(a)
		s.tellFollowers(a)
	case core.AnnounceServed, core.Announce:
		s.announce(a)
	case core.Finish:
		s.finished = true
		if a.Failure != nil {
			s.verdict = loadErrorOf(*a.Failure)
		}
	}
	return nil
}

// setTimer posts an event later. The core takes no timer back; those that are pending when the loop ends find it gone.
func (s *Supervisor) setTimer(a core.SetTimer) {
	timer := time.AfterFunc(a.After, func() { s.post(core.TimerFired{Timer: a.Timer}) })
	if w := s.workers[a.Timer.Key]; w != nil && a.Timer.Kind == core.TimerAge {
		w.aged = timer
	}
}
