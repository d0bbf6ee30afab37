package metrics

import (
	"launcher/preforker/control"
)

// pumaFamilies are those of puma-metrics and yabeda-puma-plugin, all of which are gauges there. A slot is a worker of
// Puma that has one thread.
func pumaFamilies() []family {
	return []family{
		gauge("puma_workers", "Number of configured workers", func(s *control.Status) float64 { return float64(s.Workers.Max) }),
		gauge("puma_booted_workers", "Number of booted workers", func(s *control.Status) float64 { return float64(s.Workers.Ready) }),
		gauge("puma_old_workers", "Number of workers of an older release", oldWorkers),
		pumaGauge("puma_backlog", "Number of connections that wait for the worker", func(slot control.SlotStatus) int { return queueOf(slot) }),
		pumaGauge("puma_running", "Number of running threads: 1 where there is a worker", func(slot control.SlotStatus) int { return int(oneIf(isServed(&slot))) }),
		pumaGauge("puma_pool_capacity", "Number of requests that the worker can take now", func(slot control.SlotStatus) int {
			if w := newest(slot); w != nil && w.State == "idle" {
				return 1
			}
			return 0
		}),
		pumaGauge("puma_busy_threads", "Requests in hand, and those that wait", func(slot control.SlotStatus) int {
			busy := queueOf(slot)
			for _, w := range slot.Workers {
				if w.Request != nil {
					busy++
				}
			}
			return busy
		}),
		pumaGauge("puma_max_threads", "Maximum number of threads of a worker", func(control.SlotStatus) int { return 1 }),
		pumaGauge("puma_requests_count", "Number of requests that the worker has served since it has started", func(slot control.SlotStatus) int {
			if w := newest(slot); w != nil {
				return int(w.Served)
			}
			return 0
		}),
	}
}

func pumaGauge(name, help string, value func(control.SlotStatus) int) family {
	return family{name: name, help: help, kind: gaugeType, labels: []string{"index"}, values: func(s *control.Status, tell tell) {
		for _, slot := range present(s) {
			tell(float64(value(slot)), number(slot.Slot))
		}
	}}
}

// oldWorkers counts those of a release that another one takes the slots of.
func oldWorkers(s *control.Status) float64 {
	newest, old := 0, 0
	for _, slot := range s.Slots {
		for _, w := range slot.Workers {
			newest = max(newest, w.Generation)
		}
	}
	for _, slot := range s.Slots {
		for _, w := range slot.Workers {
			if w.Generation < newest {
				old++
			}
		}
	}
	return float64(old)
}
