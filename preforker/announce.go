package preforker

import "launcher/preforker/core"

// announce tells that all slots are served, or that each has a worker.
func (s *Supervisor) announce(a core.Action) {
	switch a := a.(type) {
	case core.AnnounceServed:
		s.figures.releases++
		view, own, served := s.core.View(s.now()), 0, 0
		for _, slot := range view.Slots {
			if slot.State != core.ParkedSlot {
				served++
			}
			if w := slot.Serving(); w != nil && w.State == core.ReadyWorker {
				own++
			}
		}
		s.config.Observer.Served(a.Generation, served, own, a.Seeds)
		s.tasks.Go(s.releaseMemory)
	case core.Announce:
		s.config.Observer.Serving(a.Generation, s.views())
		s.tasks.Go(s.releaseMemory)
	}
}

func (s *Supervisor) views() []WorkerView {
	var views []WorkerView
	for _, slot := range s.core.View(s.now()).Slots {
		if w := slot.Serving(); w != nil {
			views = append(views, WorkerView{Slot: slot.Slot, Generation: w.Key.Generation, Pid: w.Pid,
				State: w.State, Socket: s.sockets.Place(slot.Slot)})
		}
	}
	return views
}
