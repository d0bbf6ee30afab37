package metrics

import (
	"maps"
	"slices"
	"strconv"

	"launcher/preforker/control"
)

// Labels, as the names of families use them.
const (
	labelSlot       = "slot"
	labelGeneration = "generation"
	labelState      = "state"
	labelReason     = "reason"
	labelCode       = "code"
)

// families are those of the launcher's own names.
func families() []family {
	return slices.Concat(launcherFamilies(), workerFamilies(), requestFamilies(), replacementFamilies(), memoryFamilies(), generationFamilies(),
		slotFamilies(), frontFamilies())
}

// states of the launcher, as control.Status has them.
var states = [...]string{"loading", "running", "stopping"}

func launcherFamilies() []family {
	return []family{
		{name: "launcher_info", help: "The version of the launcher, and how its workers come to be; the value is 1.", kind: gaugeType,
			labels: []string{"version", "spawn_method"}, values: func(s *control.Status, tell tell) { tell(1, s.Launcher, s.SpawnMethod) }},
		gauge("launcher_start_time_seconds", "When the launcher has started, as a Unix time.",
			func(s *control.Status) float64 { return float64(s.Started.UnixMilli()) / 1000 }),
		{name: "launcher_state", help: "What the launcher does: 1 for that state, 0 for the others.", kind: gaugeType,
			labels: []string{labelState}, values: func(s *control.Status, tell tell) {
				for _, state := range states {
					tell(oneIf(s.State == state), state)
				}
			}},
		gauge("launcher_ready", "Whether requests are served that come now, as /readyz says it.",
			func(s *control.Status) float64 { return oneIf(s.Readiness.Ready) }),
	}
}

func workerFamilies() []family {
	return []family{
		gauge("launcher_workers_configured", "Workers that the launcher was started with.", func(s *control.Status) float64 { return float64(s.Workers.Configured) }),
		gauge("launcher_workers_min", "Workers that stay when nothing is to be done.", func(s *control.Status) float64 { return float64(s.Workers.Min) }),
		gauge("launcher_workers_max", "Workers that there can be: as many as slots.", func(s *control.Status) float64 { return float64(s.Workers.Max) }),
		gauge("launcher_workers_ready", "Workers that take requests, busy or not.", func(s *control.Status) float64 { return float64(s.Workers.Ready) }),
		gauge("launcher_workers_busy", "Workers with a request in hand, also while they leave.", func(s *control.Status) float64 { return float64(s.Workers.Busy) }),
		gauge("launcher_workers_busy_max", "Workers that have been busy at the same time, at most.", func(s *control.Status) float64 { return float64(s.Workers.MaxBusy) }),
		{name: "launcher_workers", help: "Workers of all slots, by their state.", kind: gaugeType,
			labels: []string{labelState}, values: func(s *control.Status, tell tell) { tellCounts(workerStates(s), tell) }},
		gauge("launcher_spares", "Workers that wait for a slot.", func(s *control.Status) float64 { return oneIf(s.Spare != nil) }),
		{name: "launcher_slots", help: "Slots, by their state.", kind: gaugeType,
			labels: []string{labelState}, values: func(s *control.Status, tell tell) { tellCounts(slotStates(s), tell) }},
	}
}

// workerStates counts workers. The usual states are there with 0, so that they can be drawn.
func workerStates(s *control.Status) map[string]uint64 {
	counts := map[string]uint64{"idle": 0, "busy": 0, "draining": 0, "booting": 0}
	for _, slot := range s.Slots {
		for _, w := range slot.Workers {
			counts[w.State]++
		}
	}
	return counts
}

func slotStates(s *control.Status) map[string]uint64 {
	counts := map[string]uint64{"occupied": 0, "vacant": 0, "backoff": 0, "failed": 0, "parked": 0}
	for _, slot := range s.Slots {
		counts[slot.State]++
	}
	return counts
}

func tellCounts(counts map[string]uint64, tell tell, labels ...string) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		tell(float64(counts[name]), append(labels, name)...)
	}
}

func requestFamilies() []family {
	return []family{
		counter("launcher_requests_accepted_total", "Requests that a worker has taken.", func(s *control.Status) float64 { return float64(s.Requests.Accepted) }),
		counter("launcher_requests_total", "Requests that were served to their end.", func(s *control.Status) float64 { return float64(s.Requests.Served) }),
		counter("launcher_request_errors_total", "Responses with 500 or more, those that broke off, and requests whose worker died.", func(s *control.Status) float64 { return float64(s.Requests.Errors) }),
		counter("launcher_requests_slow_total", "Requests that took longer than --slow-log.", func(s *control.Status) float64 { return float64(s.Requests.Slow) }),
		{name: "launcher_request_duration_seconds", help: "What requests took in a worker, to the end of the response.",
			histogram: func(s *control.Status) control.Histogram { return s.Requests.Duration }},
		{name: "launcher_request_queue_seconds", help: "What requests have waited before a worker had them, by their header X-Request-Start.",
			histogram: func(s *control.Status) control.Histogram { return s.Requests.QueueTime }},
		gauge("launcher_queue_length", "Requests that wait for a worker: connections at all sockets, and those in --http.", func(s *control.Status) float64 { return float64(s.Queue.Now) }),
		gauge("launcher_queue_length_max", "The most requests that were seen to wait.", func(s *control.Status) float64 { return float64(s.Queue.Max) }),
		gaugeIf("launcher_collection_ratio", "The time of the CPU that collecting garbage between requests took, of that for requests.",
			func(s *control.Status) (float64, bool) {
				if s.Collections == nil {
					return 0, false
				}
				return s.Collections.Share, true
			}),
	}
}

// failures are the reasons for which workers are replaced without anybody's wish.
var failures = [...]string{"crashed", "boot failed", "boot timeout", "ended by the kernel, as memory was short", "request timeout", "memory limit",
	"took no connections", "closed its channel", "failed its probe"}

// restarts counts replacements by their reason. Failures are there with 0: Prometheus sees no increase in a series that begins with 1.
func restarts(s *control.Status) map[string]uint64 {
	counts := map[string]uint64{}
	for _, reason := range failures {
		counts[reason] = 0
	}
	maps.Copy(counts, s.Restarts)
	return counts
}

func replacementFamilies() []family {
	return []family{
		{name: "launcher_worker_restarts_total", help: "Workers that were replaced or have died, by the reason.", kind: counterType,
			labels: []string{labelReason}, values: func(s *control.Status, tell tell) { tellCounts(restarts(s), tell) }},
		counter("launcher_reforks_total", "Reforks that took over.", func(s *control.Status) float64 { return float64(s.Reforks) }),
		counter("launcher_releases_total", "Loads of the application that took over.", func(s *control.Status) float64 { return float64(s.Releases) }),
		counter("launcher_failed_loads_total", "Loads of the application that have failed.", func(s *control.Status) float64 { return float64(s.FailedLoads) }),
		gauge("launcher_load_failed", "Whether the last load has failed, while an older one serves or nobody does.",
			func(s *control.Status) float64 { return oneIf(s.FailedLoad != nil || s.Failing != nil) }),
		gauge("launcher_release_held", "Whether a release that has loaded gets no further slot, as all its requests fail.", func(s *control.Status) float64 {
			return oneIf(slices.ContainsFunc(s.Generations, func(g control.GenerationStatus) bool { return g.Held != nil }))
		}),
	}
}

func number(n int) string { return strconv.Itoa(n) }
