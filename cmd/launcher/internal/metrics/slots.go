package metrics

import (
	"maps"
	"slices"

	dto "github.com/prometheus/client_model/go"

	"launcher/preforker/control"
)

func slotFamilies() []family {
	return slices.Concat([]family{
		slotGauge("launcher_slot_up", "Whether a worker takes the requests of a slot: its own, or one of another.",
			func(s *control.SlotStatus) (float64, bool) { return oneIf(isServed(s)), true }),
		slotGauge("launcher_slot_queue_length", "Connections that wait at the socket of a slot; absent where the kernel does not tell.",
			func(s *control.SlotStatus) (float64, bool) {
				if s.Queue == nil {
					return 0, false
				}
				return float64(*s.Queue), true
			}),
		slotGauge("launcher_slot_queue_length_max", "The most connections that were seen to wait at the socket of a slot.",
			func(s *control.SlotStatus) (float64, bool) { return float64(s.QueueMax), true }),
		ofSlots("launcher_slot_requests_total", "Requests that the workers of a slot have served.", counterType,
			func(s *control.SlotStatus) (float64, bool) { return float64(s.Served), true }),
		{name: "launcher_slot_worker_restarts_total", help: "Workers of a slot that were replaced or have died, by the reason.", kind: counterType,
			labels: []string{labelSlot, labelReason}, values: func(s *control.Status, tell tell) {
				for _, slot := range s.Slots {
					if slot.State == control.RemovedSlot { // another one may have its number
						continue
					}
					for _, reason := range slices.Sorted(maps.Keys(slot.Restarts)) {
						tell(float64(slot.Restarts[reason]), number(slot.Slot), reason)
					}
				}
			}},
	}, slotWorkerFamilies())
}

// slotWorkerFamilies are of one worker a slot, the newest that is there: a slot has more while one takes another's place.
func slotWorkerFamilies() []family {
	return []family{
		workerGauge("launcher_worker_private_bytes", "Memory that the worker of a slot has for itself.",
			func(w *control.WorkerStatus) (float64, bool) {
				if w.Memory == nil {
					return 0, false
				}
				return float64(w.Memory.Private), true
			}),
		workerGauge("launcher_worker_shared_bytes", "Memory that the worker of a slot shares with others.",
			func(w *control.WorkerStatus) (float64, bool) {
				if w.Memory == nil {
					return 0, false
				}
				return float64(w.Memory.Shared), true
			}),
		// It is measured with the memory.
		ofWorkers("launcher_worker_cpu_seconds_total", "User and system time of the worker of a slot; it begins anew with each worker.", counterType,
			func(w *control.WorkerStatus) (float64, bool) { return w.CPU, w.Memory != nil }),
		workerGauge("launcher_worker_request_seconds", "How long the worker of a slot has had the request in hand; 0 where it has none.",
			func(w *control.WorkerStatus) (float64, bool) {
				if w.Request == nil {
					return 0, true
				}
				return w.Request.Seconds, true
			}),
		workerGauge("launcher_worker_last_request_seconds", "What the last request of the worker of a slot took; 0 where it has served none.",
			func(w *control.WorkerStatus) (float64, bool) { return w.Last, true }),
		workerGauge("launcher_worker_longest_request_seconds", "What any request of the worker of a slot took at most; it begins anew with each worker.",
			func(w *control.WorkerStatus) (float64, bool) { return w.Longest, true }),
		workerGauge("launcher_worker_collection_ratio", "The time of the CPU that collecting garbage took in the worker of a slot, of that for requests.",
			func(w *control.WorkerStatus) (float64, bool) {
				if w.Collections == nil {
					return 0, false
				}
				return w.Collections.Share, true
			}),
	}
}

func slotGauge(name, help string, value func(*control.SlotStatus) (float64, bool)) family {
	return ofSlots(name, help, gaugeType, value)
}

// ofSlots is a family of one value a slot, or of none. Slots that are not among them any more are left out.
func ofSlots(name, help string, kind dto.MetricType, value func(*control.SlotStatus) (float64, bool)) family {
	return family{name: name, help: help, kind: kind, labels: []string{labelSlot}, values: func(s *control.Status, tell tell) {
		for i := range s.Slots {
			slot := &s.Slots[i]
			if slot.State == control.RemovedSlot {
				continue
			}
			if value, known := value(slot); known {
				tell(value, number(slot.Slot))
			}
		}
	}}
}

func workerGauge(name, help string, value func(*control.WorkerStatus) (float64, bool)) family {
	return ofWorkers(name, help, gaugeType, value)
}

func ofWorkers(name, help string, kind dto.MetricType, value func(*control.WorkerStatus) (float64, bool)) family {
	return ofSlots(name, help, kind, func(slot *control.SlotStatus) (float64, bool) {
		if len(slot.Workers) == 0 {
			return 0, false
		}
		return value(&slot.Workers[len(slot.Workers)-1])
	})
}

// takesRequests says whether a worker takes the next request, or has one in hand and stays.
func takesRequests(w control.WorkerStatus) bool { return w.State == "idle" || w.State == "busy" }

func isServed(slot *control.SlotStatus) bool {
	return slot.State == control.LentSlot || slices.ContainsFunc(slot.Workers, takesRequests)
}
