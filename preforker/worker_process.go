package preforker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"syscall"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
	"launcher/preforker/internal/wire"
	"launcher/preforker/linux"
	"launcher/preforker/ruby"
)

// workerProcess is the supervisor's view of a worker, from the spawn message on. Its
// channel is also its life line: the supervisor's end closing, by whatever cause,
// tells it to finish and leave.
type workerProcess struct {
	key    ident.Key // the loop's alone: a spare is given another one
	conn   *linux.PacketConn
	record int
	socket uint64         // inode of the listener that it was given
	lent   []int          // slots whose sockets it has besides
	read   chan struct{}  // closed when everything that it said was posted
	child  *linux.Child   // nil until its pid is known
	failed *wire.Failed   // written by its reader, read after its exit
	killed bool           // by this supervisor
	ruby   *ruby.Process  // where it loads the application by itself, else nil
	output *ruby.Captured // of a forked one
	reopen reopening
	origin *lineOrigin // nil until its pid is known
	aged   *time.Timer // until it is too old; nil where it may be any age
	slow   uint64      // requests over the bound of the slow log

	returned   []int // slots whose sockets it had besides
	returnedAt time.Time
}

// spawnWorker has a slot's worker forked, or starts it.
func (s *Supervisor) spawnWorker(a core.SpawnWorker) core.Event {
	key := a.Key
	files, err := s.slotFiles(key.Slot)
	if err == nil && files == nil {
		return nil // it could not be bound: that event is on its way
	}
	s.unpark(key.Slot)
	spawn := s.sendSpawn
	if s.config.SpawnMethod == SpawnDirect {
		spawn = s.startWorker
	}
	if err == nil {
		err = spawn(key, files, a.Probe)
	}
	if err != nil {
		return core.WorkerSpawnFailed{Key: key, Failure: core.Failure{Class: "spawn", Message: err.Error()}}
	}
	return nil
}

// takeRecord returns an empty record of the scoreboard.
func (s *Supervisor) takeRecord() (int, error) {
	record, err := s.records.take()
	if err != nil {
		return 0, err
	}
	if err := scoreboard.Clear(s.board, boardRecords, record); err != nil {
		s.records.give(record)
		return 0, err
	}
	return record, nil
}

// sendSpawn sends what serves a slot, which a spare has none of, and a new channel to the preloader.
func (s *Supervisor) sendSpawn(key ident.Key, files []*os.File, probe core.Probe) error {
	p := s.preloaders[key.Origin()]
	if p == nil {
		return nil // it has ended; the core gives up its spawns when it hears of it
	}
	record, err := s.takeRecord()
	if err != nil {
		return err
	}
	conn, theirs, err := linux.PacketPair("channel " + key.String())
	if err != nil {
		s.records.give(record)
		return err
	}
	defer theirs.Close()
	output, err := ruby.Capture("output " + key.String())
	if err != nil {
		s.records.give(record)
		_ = conn.Close()
		return err
	}
	defer output.Given()
	socket := uint64(0)
	if len(files) > 0 {
		socket = s.sockets.Inode(key.Slot)
	}
	if err := ruby.Send(p.conn, wire.Spawn{Key: key, Record: record, Probe: string(probe)}, append(files, theirs, output.Writer())...); err != nil {
		s.records.give(record)
		_ = conn.Close()
		output.Discard()
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
			return nil // it is dying: its end is heard next, and is no fault of the slot
		}
		return fmt.Errorf("ask the preloader: %w", err)
	}
	w := &workerProcess{key: key, conn: conn, record: record, socket: socket, read: make(chan struct{}), output: output}
	s.workers[key] = w
	s.tasks.Go(func() { s.readWorker(w, key) })
	return nil
}

// readWorker posts what a worker says, and the end of that, by the key that it was started with.
func (s *Supervisor) readWorker(w *workerProcess, key ident.Key) {
	defer close(w.read)
	defer s.post(core.WorkerChannelClosed{Key: key})
	for {
		message, err := ruby.Receive(w.conn)
		if err != nil {
			if !ruby.IsEnd(err) {
				s.log.Error("worker sent nonsense", keySlot, key.Slot, keyGeneration, key.Generation, keyError, err)
			}
			return
		}
		switch m := message.(type) {
		case wire.Hello:
			if w.ruby == nil {
				continue // a forked one has nothing to introduce
			}
			if failed := ruby.CheckHello(m, s.config.Ruby); failed != nil {
				w.failed = failed
				_ = w.ruby.Child.Signal(syscall.SIGKILL)
				continue
			}
			w.ruby.Output.Admit()
			s.post(core.WorkerHello{Key: key, Hello: helloOf(m)})
		case wire.Loaded:
			if w.ruby != nil {
				w.ruby.Output.Serve(s.passOn(workerOrigin(key, w.ruby.Child.Pid)))
			}
			s.readHelpers(key)
			s.post(core.WorkerLoaded{Key: key, Loaded: loadOf(m)})
		case wire.Ready:
			s.post(core.WorkerReady{Key: key, Pid: m.Pid})
		case wire.Leaving:
			s.post(core.WorkerLeaving{Key: key, Served: m.Served})
		case wire.Located:
			s.post(core.WorkerLocated{Key: key, Threads: threadsOf(m.Threads)})
		case wire.Recycle:
			s.post(core.WorkerRecycles{Key: key, Why: m.Reason})
		case wire.First:
			s.post(core.WorkerAnsweredFirst{Key: key, Status: m.Status, Request: m.Request})
		case wire.Failed:
			w.failed = &m
		}
	}
}

// followWorker waits for a worker whose pid has become known, by whichever message
// came first. It is this process's child by then, or already its zombie.
func (s *Supervisor) followWorker(key ident.Key, pid int) {
	w := s.workers[key]
	if w == nil || w.child != nil {
		return
	}
	child, err := linux.FollowChild(pid)
	if err != nil {
		// It cannot be ours: give it up, and its channel ends it.
		s.log.Error("worker could not be followed", keySlot, key.Slot, keyGeneration, key.Generation, keyPid, pid, keyError, err)
		s.forgetWorker(core.ForgetWorker{Key: key, MayLive: true})
		s.tasks.Go(func() {
			s.post(core.WorkerSpawnFailed{Key: key, Failure: core.Failure{Class: "follow", Message: err.Error()}})
		})
		return
	}
	w.child = child
	s.followOutput(w, pid)
	s.followEnd(w, key)
	s.reapOrphans() // a pass that waited for this pid can go on
}

// awaitWorker posts a worker's end after all that it said.
func (s *Supervisor) awaitWorker(w *workerProcess, key ident.Key) {
	if err := w.child.Await(); err != nil {
		s.log.Error("worker could not be waited for", keySlot, key.Slot, keyGeneration, key.Generation, keyError, err)
	}
	w.conn.Finish()
	<-w.read
	ended := workerEnded{process: w}
	if w.ruby != nil {
		ended.lines = w.ruby.Output.Lines()
	} else {
		ended.lines = s.endOutput(w.output)
	}
	s.post(ended)
}

// workerEnded is the process's end; the loop makes core.WorkerExited of it once it has let
// go of the process.
type workerEnded struct {
	process *workerProcess
	lines   []string
}

// releaseWorker reads the scoreboard for what a dead worker was doing, and frees
// what belonged to it.
func (s *Supervisor) releaseWorker(e workerEnded) core.Event {
	w := e.process
	exit, err := w.child.Reap()
	if err != nil {
		s.log.Error("worker could not be reaped", keySlot, w.key.Slot, keyGeneration, w.key.Generation, keyError, err)
	}
	entry, err := scoreboard.Read(s.mapped, w.record)
	if err != nil {
		s.log.Warn("scoreboard record could not be read", keySlot, w.key.Slot, keyGeneration, w.key.Generation, keyError, err)
	}
	s.countEnded(w, entry)
	s.records.give(w.record)
	s.dropWorker(w)
	s.reapOrphans() // its zombie may have stood before others
	s.leaveKept(w.key.Slot)
	return core.WorkerExited{Key: w.key, Exit: exit, Failed: failedOf(w.failed), Served: entry.Requests,
		Errors: entry.Errors, Sound: entry.Sound, Request: entry.Request(), Lines: e.lines, CPU: w.child.CPU,
		OutOfMemory: s.memory.kills.explain(exit, w.killed, time.Now())}
}

func (s *Supervisor) dropWorker(w *workerProcess) {
	s.measure.forget(w.key)
	w.stopAging()
	delete(s.workers, w.key)
	_ = w.conn.Close()
	if w.output != nil && w.origin == nil {
		w.output.Discard() // there was no process
	}
	s.endHelpersOf(w.key)
}

// stopAging lets go of a timer that may be of days, and that there would be one of for each worker of that time.
func (w *workerProcess) stopAging() {
	if w.aged != nil {
		w.aged.Stop()
	}
}

// forgetWorker gives up a worker that was never seen. One that may be there all the
// same is told to leave by the end of its channel, and keeps its record, which it
// could still write to, until it has closed the channel itself.
func (s *Supervisor) forgetWorker(a core.ForgetWorker) {
	w := s.workers[a.Key]
	if w == nil {
		return
	}
	if !a.MayLive {
		s.records.give(w.record)
		s.dropWorker(w)
		return
	}
	s.measure.forget(w.key)
	delete(s.workers, w.key)
	s.forgotten[w] = true
	s.endHelpersOf(w.key)
	w.conn.FinishSending()
	s.followOutput(w, 0)
	s.tasks.Go(func() {
		<-w.read
		s.post(forgottenWorkerClosed{w})
	})
}

// forgottenWorkerClosed says that nobody holds the other end of a forgotten worker's channel.
type forgottenWorkerClosed struct{ process *workerProcess }

func (s *Supervisor) releaseForgotten(e forgottenWorkerClosed) {
	delete(s.forgotten, e.process)
	s.countForgotten(e.process)
	s.records.give(e.process.record)
	_ = e.process.conn.Close()
}

func (s *Supervisor) drainWorker(a core.DrainWorker) {
	w := s.workers[a.Key]
	if w == nil {
		return
	}
	if err := ruby.Send(w.conn, wire.Drain{Backlog: a.Backlog, HandOver: a.HandOver}); err != nil {
		// Its channel is broken, which tells it the same; where it has ended by itself, that is told next.
		level := slog.LevelWarn
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
			level = slog.LevelDebug
		}
		s.log.Log(context.Background(), level, "worker could not be told to drain", keySlot, a.Key.Slot, keyGeneration, a.Key.Generation, keyError, err)
	}
}

// lendSockets has a worker serve other sockets besides its own.
func (s *Supervisor) lendSockets(a core.LendSockets) {
	w := s.workers[a.Key]
	if w == nil {
		return
	}
	for some := range slices.Chunk(a.Slots, slotsPerPacket) {
		if err := s.lendSome(w, some); err != nil {
			s.log.Warn("worker could not be lent sockets", keySlot, a.Key.Slot, keyGeneration, a.Key.Generation, keyError, err)
		}
	}
}

func (s *Supervisor) lendSome(w *workerProcess, slots []int) error {
	var open []int
	var files []*os.File
	for _, slot := range slots {
		s.unpark(slot)
		more, err := s.slotFiles(slot)
		if err != nil {
			return err
		}
		if more != nil {
			open, files = append(open, slot), append(files, more...)
		}
	}
	w.lent = append(w.lent, open...)
	return ruby.Send(w.conn, wire.Lend{Slots: open}, files...)
}

// returnSockets has a worker serve its own socket alone.
func (s *Supervisor) returnSockets(key ident.Key) {
	w := s.workers[key]
	if w == nil {
		return
	}
	w.lent, w.returned, w.returnedAt = nil, w.lent, time.Now()
	if err := ruby.Send(w.conn, wire.Return{}); err != nil {
		s.log.Warn("worker could not be told to return sockets", keySlot, key.Slot, keyGeneration, key.Generation, keyError, err)
	}
}

// watchWorker has the memory of a worker that is ready measured.
func (s *Supervisor) watchWorker(key ident.Key) {
	if w := s.workers[key]; w != nil && w.child != nil {
		s.measure.watch(key, w.child.Pid, w.record)
	}
}

func (s *Supervisor) killWorker(a core.KillWorker) {
	w := s.workers[a.Key]
	if w == nil || w.child == nil {
		return // no pid yet: the core kills it when it has one
	}
	w.killed = true
	err := w.child.Signal(syscall.SIGKILL)
	if a.Group && w.ruby != nil {
		err = errors.Join(err, w.ruby.SignalGroup(syscall.SIGKILL))
	}
	if err != nil {
		s.log.Warn("worker could not be killed", keySlot, a.Key.Slot, keyGeneration, a.Key.Generation, keyError, err)
	}
}

// instructWorker does what has no consequence but what the worker then does.
func (s *Supervisor) instructWorker(a core.Action) {
	switch a := a.(type) {
	case core.ContinueWorker:
		s.continueWorker(a.Key)
	case core.AskWorker:
		s.askWorker(a.Key)
	case core.LocateWorker:
		s.locateWorker(a.Key)
	}
}

// locateWorker asks a worker where its threads are.
func (s *Supervisor) locateWorker(key ident.Key) {
	w := s.workers[key]
	if w == nil {
		return // it has ended; the core hears of it next
	}
	if err := ruby.Send(w.conn, wire.Locate{}); err != nil {
		s.log.Warn("worker could not be asked where it is", keySlot, key.Slot, keyGeneration, key.Generation, keyError, err)
	}
}

func (s *Supervisor) continueWorker(key ident.Key) {
	w := s.workers[key]
	if w == nil || w.child == nil {
		return // it has ended; the core hears of it next
	}
	if err := w.child.Signal(syscall.SIGCONT); err != nil {
		s.log.Warn("worker could not be continued", keySlot, key.Slot, keyGeneration, key.Generation, keyError, err)
	}
}
