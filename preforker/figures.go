package preforker

import (
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
)

// figures are what is counted over the time of a launcher: what became of workers, and what the requests of those came to that have ended.
// The loop alone has them, but for the peaks.
type figures struct {
	configured  int                  // workers, at the start
	slots       map[int]*slotFigures // by number, also of slots that are there no more: a counter never goes back
	ended       work                 // of all workers that have ended
	slow        uint64
	reforks     uint64
	releases    uint64
	failedLoads uint64
	peaks       peaks
}

type slotFigures struct {
	restarts map[string]uint64 // by reason
	served   uint64            // by workers that have ended
}

// work is what requests came to.
type work struct {
	accepted, served, errors uint64
	durations, queueTimes    scoreboard.Histogram
}

func (w *work) add(other *work) {
	w.accepted += other.accepted
	w.served += other.served
	w.errors += other.errors
	w.durations.Join(&other.durations)
	w.queueTimes.Join(&other.queueTimes)
}

// workOf is what a worker has done so far that is there. What has ended was accepted, also where its figures are later than its record.
func workOf(entry scoreboard.Entry, told scoreboard.Figures) work {
	w := work{accepted: entry.Requests, served: entry.Requests, errors: told.Errors, durations: told.Durations, queueTimes: told.QueueTimes}
	if entry.Request() != "" {
		w.accepted++
	}
	w.accepted = max(w.accepted, told.Durations.Count())
	return w
}

// workOfEnded is the same of one that has ended, at this time on the clock of the records. A request that was in hand then has got no
// response: it took until now, and is an error. It may also have ended without the record's having said so.
func workOfEnded(entry scoreboard.Entry, told scoreboard.Figures, now time.Duration) work {
	w := workOf(entry, told)
	switch {
	case w.accepted == w.served:
	case w.durations.Count() > entry.Requests:
		w.served = w.durations.Count()
	default:
		w.errors++
		w.durations.Add(max(0, now-entry.Since))
	}
	return w
}

func (f *figures) slot(number int) *slotFigures {
	s := f.slots[number]
	if s == nil {
		if f.slots == nil {
			f.slots = map[int]*slotFigures{}
		}
		s = &slotFigures{restarts: map[string]uint64{}}
		f.slots[number] = s
	}
	return s
}

// workerEnded counts what a worker has done all in all.
func (f *figures) workerEnded(key ident.Key, w *work) {
	f.ended.add(w)
	if key.Slot != ident.NoSlot {
		f.slot(key.Slot).served += w.served
	}
}

// note counts what has become of workers, and of loads.
func (f *figures) note(fact core.Fact) {
	switch fact := fact.(type) {
	case core.WorkerDied:
		f.restart(fact.Worker, fact.Reason)
	case core.WorkerLeft:
		f.restart(fact.Worker, fact.Reason)
	case core.WorkerLost:
		f.restart(fact.Worker, fact.Reason)
	case core.RequestSlow:
		f.slow++
	case core.ReforkCompleted:
		f.reforks++
	case core.LoadFailed:
		f.failedLoads++
	}
}

func (f *figures) restart(worker core.WorkerName, reason core.Reason) {
	if worker.Key.Slot != ident.NoSlot && reason.Restarts() {
		f.slot(worker.Key.Slot).restarts[string(reason)]++
	}
}

// addTo completes a status with what workers that have ended did. What those have done that are there is in it.
func (f *figures) addTo(status *control.Status, present *work) {
	all := f.ended
	all.add(present)
	status.Requests = control.RequestsStatus{Accepted: all.accepted, Served: all.served, Errors: all.errors, Slow: f.slow,
		Duration: histogramOf(&all.durations), QueueTime: histogramOf(&all.queueTimes)}
	status.Reforks, status.Releases, status.FailedLoads = f.reforks, f.releases, f.failedLoads
	status.Restarts = map[string]uint64{}
	for _, s := range f.slots {
		for reason, n := range s.restarts {
			status.Restarts[reason] += n
		}
	}
	for i := range status.Slots {
		slot := &status.Slots[i]
		slot.Restarts = map[string]uint64{}
		if s := f.slots[slot.Slot]; s != nil {
			slot.Served += s.served
			for reason, n := range s.restarts {
				slot.Restarts[reason] = n
			}
		}
	}
}

func histogramOf(h *scoreboard.Histogram) control.Histogram {
	told := control.Histogram{Counts: append([]uint64{}, h.Counts[:]...), Sum: h.Sum.Seconds(), Count: h.Count()}
	for _, bound := range scoreboard.Bounds() {
		told.Bounds = append(told.Bounds, bound.Seconds())
	}
	return told
}
