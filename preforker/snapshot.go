package preforker

import (
	"context"
	"os"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
	"launcher/preforker/linux"
	"launcher/preforker/sockets"
)

// snapshot is what the loop hands out at once, with the places where the rest is to be had.
type snapshot struct {
	status  control.Status
	records map[ident.Key]*record // of the scoreboard
	inodes  []uint64              // of the sockets; 0: closed
	files   []sockets.NamedFile   // by slot
}

// statusAsked has the loop reply with a snapshot. The channel has room for it.
type statusAsked struct{ reply chan snapshot }

// snapshot is taken by the loop.
func (s *Supervisor) snapshot() snapshot {
	now := s.now()
	shot := snapshot{status: statusOf(s.core.View(now), s.began, now), files: s.sockets.Files()}
	status := &shot.status
	status.Workers = s.workersStatus(status.Slots)
	shot.records = s.addFigures(status)
	status.Readiness = readinessOf(s.core.Condition())
	shot.inodes = make([]uint64, len(status.Slots))
	status.Launcher, status.Memory.Limit = s.config.Version, s.memory.status()
	status.Pid, status.Root, status.SocketDir, status.SpawnMethod = os.Getpid(), s.config.App.Root, s.config.SocketDir, string(SpawnSmart)
	status.Limits = limitsStatusOf(s.config)
	if s.config.SpawnMethod == SpawnDirect {
		status.SpawnMethod = string(SpawnDirect)
	}
	for _, g := range status.Generations {
		for i := range g.Preloaders {
			if p := s.preloaders[ident.Origin{Generation: g.Generation, Refork: g.Preloaders[i].Refork}]; p != nil && p.child != nil {
				g.Preloaders[i].Pid = p.child.Pid
			}
		}
	}
	for number := range status.Slots {
		slot := &status.Slots[number]
		if slot.State != control.RemovedSlot {
			slot.Socket = s.sockets.Place(number)
			shot.inodes[number] = s.sockets.Inode(number)
		}
		for i := range slot.Workers {
			worker := &slot.Workers[i]
			w := s.workers[worker.Key]
			if w == nil {
				continue
			}
			if worker.Pid == 0 && w.child != nil { // started, and not heard of yet
				worker.Pid = w.child.Pid
			}
		}
	}
	return shot
}

// askSnapshot asks the loop for what it has at hand.
func (s *Supervisor) askSnapshot(ctx context.Context) (snapshot, error) {
	asked := statusAsked{make(chan snapshot, 1)}
	return askLoop(ctx, s, asked, asked.reply)
}

// Status tells what goes on, in milliseconds, whatever the workers do: the loop is asked for what
// it has at hand, all else is read here, by the goroutine that asks.
func (s *Supervisor) Status(ctx context.Context) (control.Status, error) {
	shot, err := s.askSnapshot(ctx)
	if err != nil {
		return control.Status{}, err
	}
	shot.addFiles()
	shot.addRequests(s)
	shot.addQueues(s)
	s.figures.peaks.addTo(&shot.status)
	processes := shot.processes()
	shot.addMemory(s.survey.ask(processes, time.After(s.survey.patience(processes))))
	return shot.status, nil
}

// addFiles looks whether the open sockets can be reached: their files may have been removed a
// moment ago.
func (shot *snapshot) addFiles() {
	for i := range shot.status.Slots {
		slot := &shot.status.Slots[i]
		if slot.State == control.RemovedSlot {
			continue // it has none
		}
		if sockets.IsPort(slot.Socket) {
			slot.Open = slot.Open && shot.inodes[i] != 0
			continue
		}
		file := shot.files[slot.Slot]
		slot.Open = slot.Open && file.Held() && !file.Lost(slot.Socket)
	}
}

// addRequests adds what workers say of themselves.
func (shot *snapshot) addRequests(s *Supervisor) {
	now, err := linux.Monotonic()
	if err != nil {
		s.log.Debug("the clock of the scoreboard could not be read", keyError, err)
		return
	}
	for i := range shot.status.Slots {
		for j := range shot.status.Slots[i].Workers {
			worker := &shot.status.Slots[i].Workers[j]
			if record, has := shot.records[worker.Key]; has && worker.Pid != 0 && record.entry.Pid == worker.Pid {
				addRecord(worker, record.entry, now)
				worker.Last, worker.Longest = record.told.Last.Seconds(), record.told.Longest.Seconds()
			} // else it has not begun
			if worker.Request != nil {
				shot.status.Workers.Busy++
			}
		}
	}
	s.figures.peaks.noteBusy(shot.status.Workers.Busy)
	shot.status.Collections = sumCollections(shot.status.Slots)
}

// addRecord takes what a worker says of itself. The core alone knows who is to leave, the worker
// alone who leaves by itself.
func addRecord(w *control.WorkerStatus, entry scoreboard.Entry, now time.Duration) {
	w.Served = entry.Requests
	w.Collections = collectionStatusOf(entry.CollectionSeconds, entry.RequestSeconds)
	since := seconds(max(0, now-entry.Since))
	if entry.Request() != "" {
		w.Request = &control.RequestStatus{Method: entry.Method, Path: entry.Path, Cut: entry.Cut, Seconds: since}
	}
	if w.State != core.ReadyWorker.String() {
		return
	}
	switch entry.State {
	case scoreboard.Busy, scoreboard.Draining:
		w.State, w.Seconds = entry.State.String(), since
	case scoreboard.Idle, scoreboard.Receiving:
		w.State, w.Seconds = scoreboard.Idle.String(), since
	default: // it accepts, and is about to say so here
		w.State = scoreboard.Idle.String()
	}
}

// collectionStatusOf returns nil where nothing was told.
func collectionStatusOf(collections, requests float64) *control.CollectionStatus {
	if !(requests > 0) {
		return nil
	}
	return &control.CollectionStatus{Seconds: collections, Requests: requests, Share: collections / requests}
}

func sumCollections(slots []control.SlotStatus) *control.CollectionStatus {
	var collections, requests float64
	for _, slot := range slots {
		for _, w := range slot.Workers {
			if c := w.Collections; c != nil {
				collections, requests = collections+c.Seconds, requests+c.Requests
			}
		}
	}
	return collectionStatusOf(collections, requests)
}

// addQueues asks the kernel, which need not tell, for what waits at the sockets, and then the front for what waits there: a request that
// goes on to a socket meanwhile is not counted twice.
func (shot *snapshot) addQueues(s *Supervisor) {
	lengths, waiting := map[uint64]int{}, 0
	if err := s.queueLengths(lengths); err != nil {
		s.log.Debug("the lengths of the queues are unknown", keyError, err)
		lengths = nil
	}
	if s.config.Front != nil {
		shot.status.Front = s.config.Front.Status()
		waiting = shot.status.Front.Waiting
	}
	shot.status.Queue.Now = waiting
	for i, inode := range shot.inodes {
		if length, told := lengths[inode]; told && inode != 0 {
			shot.status.Slots[i].Queue = &length
			shot.status.Queue.Now += length
		}
	}
	s.figures.peaks.noteQueues(shot.inodes, lengths, waiting)
}

// processes are all that are known by their pids: those first that are there for all.
func (shot *snapshot) processes() []surveyed {
	found := []surveyed{{pid: shot.status.Pid}}
	for _, g := range shot.status.Generations {
		for _, p := range g.Preloaders {
			if p.Pid != 0 {
				found = append(found, surveyed{pid: p.Pid})
			}
		}
	}
	if spare := shot.status.Spare; spare != nil && spare.Pid != 0 {
		found = append(found, surveyed{spare.Pid, spare.Key.Serial})
	}
	for _, slot := range shot.status.Slots {
		for _, w := range slot.Workers {
			if w.Pid != 0 {
				found = append(found, surveyed{w.Pid, w.Key.Serial})
			}
		}
	}
	return found
}

func (shot *snapshot) addMemory(readings map[surveyed]reading) {
	status := &shot.status
	now := time.Now()
	of := func(p surveyed) *control.ProcessMemory {
		if p.pid == 0 {
			return nil
		}
		status.Memory.Processes++
		read, known := readings[p]
		if !known {
			return nil
		}
		status.Memory.Measured++
		status.Memory.PSS += read.usage.PSS
		m := &control.ProcessMemory{Usage: read.usage, Shared: read.usage.RSS - read.usage.Private, Seconds: seconds(now.Sub(read.at))}
		status.Memory.Seconds = max(status.Memory.Seconds, m.Seconds)
		return m
	}
	status.Memory.Launcher = of(surveyed{pid: status.Pid})
	for _, g := range status.Generations {
		for i := range g.Preloaders {
			g.Preloaders[i].Memory = of(surveyed{pid: g.Preloaders[i].Pid})
		}
	}
	if w := status.Spare; w != nil {
		w.Memory = of(surveyed{w.Pid, w.Key.Serial})
	}
	for i := range status.Slots {
		for j := range status.Slots[i].Workers {
			w := &status.Slots[i].Workers[j]
			process := surveyed{w.Pid, w.Key.Serial}
			w.Memory, w.CPU = of(process), seconds(readings[process].cpu)
		}
	}
}
