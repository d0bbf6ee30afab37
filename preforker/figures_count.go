package preforker

import (
	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
	"launcher/preforker/linux"
)

// record is what the scoreboard has of a worker.
type record struct {
	entry scoreboard.Entry
	told  scoreboard.Figures
}

// count notes what has become of workers, loads and requests.
func (s *Supervisor) count(fact core.Fact) {
	s.figures.note(fact)
	if f, is := fact.(core.RequestSlow); is {
		if w := s.workers[f.Worker.Key]; w != nil {
			w.slow++
		}
	}
}

// countEnded counts what a worker has done that has ended, and what its record says, which is its own until here.
func (s *Supervisor) countEnded(w *workerProcess, entry scoreboard.Entry) {
	told, err := scoreboard.ReadFigures(s.mapped, boardRecords, w.record)
	now, err2 := linux.Monotonic()
	if err != nil || err2 != nil {
		return // neither can fail here
	}
	done := workOfEnded(entry, told, now)
	s.figures.workerEnded(w.key, &done)
}

// countForgotten is the same of a worker that was given up, and is gone for certain.
func (s *Supervisor) countForgotten(w *workerProcess) {
	if entry, err := scoreboard.Read(s.mapped, w.record); err == nil {
		s.countEnded(w, entry)
	}
}

// addFigures adds to a status what all requests and workers came to, and returns the records of the workers. They are read by the loop:
// of a worker that ends meanwhile everything would be missing, or there twice.
func (s *Supervisor) addFigures(status *control.Status) map[ident.Key]*record {
	all := make([]record, 0, len(s.workers)+len(s.forgotten))
	records := make(map[ident.Key]*record, cap(all))
	served := map[int]uint64{}
	var present work
	read := func(w *workerProcess) {
		entry, told, err := scoreboard.ReadAll(s.mapped, boardRecords, w.record)
		if err != nil {
			return
		}
		all = append(all, record{entry, told})
		records[w.key] = &all[len(all)-1]
		done := workOf(entry, told)
		present.add(&done)
		served[w.key.Slot] += done.served
	}
	for _, w := range s.workers {
		read(w)
	}
	for w := range s.forgotten {
		read(w)
	}
	for i := range status.Slots {
		slot := &status.Slots[i]
		slot.Served = served[slot.Slot]
		for j := range slot.Workers {
			if w := s.workers[slot.Workers[j].Key]; w != nil {
				slot.Workers[j].Slow = w.slow
			}
		}
	}
	s.figures.addTo(status, &present)
	return records
}

// workersStatus is how many there are of what the slots have.
func (s *Supervisor) workersStatus(slots []control.SlotStatus) control.WorkersStatus {
	status := control.WorkersStatus{Configured: s.figures.configured}
	for _, slot := range slots {
		if slot.State != control.RemovedSlot {
			status.Max++
		}
		for _, w := range slot.Workers {
			if w.State == core.ReadyWorker.String() {
				status.Ready++
			}
		}
	}
	status.Min = status.Max
	if s.config.Min > 0 {
		status.Min = min(s.config.Min, status.Max)
	}
	return status
}
