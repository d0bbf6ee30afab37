package metrics

import (
	"path/filepath"

	dto "github.com/prometheus/client_model/go"

	"launcher/preforker/control"
)

// fpmFamilies are those of php-fpm_exporter. What is a counter there has no _total at its end, which OpenMetrics
// would append: it is told without a type, so that the names stay.
func fpmFamilies() []family {
	const unknown, gauge = unknownType, gaugeType
	return []family{
		fpm("phpfpm_up", "Could the pool be reached?", gauge, func(*control.Status) float64 { return 1 }),
		fpm("phpfpm_scrape_failures", "The number of failures scraping the pool: it is the one that tells.", unknown, func(*control.Status) float64 { return 0 }),
		fpm("phpfpm_start_since", "The number of seconds since the launcher has started.", unknown,
			func(s *control.Status) float64 { return s.Time.Sub(s.Started).Seconds() }),
		fpm("phpfpm_accepted_connections", "The number of requests accepted by the pool.", unknown, func(s *control.Status) float64 { return float64(s.Requests.Accepted) }),
		fpm("phpfpm_listen_queue", "The number of requests in the queues of pending connections.", gauge, func(s *control.Status) float64 { return float64(s.Queue.Now) }),
		fpm("phpfpm_max_listen_queue", "The most requests that were seen in the queues of pending connections.", unknown,
			func(s *control.Status) float64 { return float64(s.Queue.Max) }),
		fpm("phpfpm_idle_processes", "The number of idle processes.", gauge, func(s *control.Status) float64 { return float64(idleProcesses(s)) }),
		fpm("phpfpm_active_processes", "The number of active processes.", gauge, func(s *control.Status) float64 { return float64(s.Workers.Busy) }),
		fpm("phpfpm_total_processes", "The number of idle and active processes.", gauge, func(s *control.Status) float64 { return float64(idleProcesses(s) + s.Workers.Busy) }),
		fpm("phpfpm_max_active_processes", "The most processes that were seen active at the same time.", unknown,
			func(s *control.Status) float64 { return float64(s.Workers.MaxBusy) }),
		{name: "phpfpm_max_children_reached", help: "As with pm = static: 0. Absent where workers come on demand.", kind: unknown, labels: poolLabels,
			values: func(s *control.Status, tell tell) {
				if s.Workers.Min == s.Workers.Max {
					tell(0, pool(s)...)
				}
			}},
		fpm("phpfpm_slow_requests", "The number of requests that took longer than --slow-log.", unknown, func(s *control.Status) float64 { return float64(s.Requests.Slow) }),
		fpmProcess("phpfpm_process_requests", "The number of requests the process has served.", unknown,
			func(w *control.WorkerStatus) float64 { return float64(w.Served) }),
		fpmProcess("phpfpm_process_request_duration", "The microseconds of the request in hand, else of the last one.", gauge,
			func(w *control.WorkerStatus) float64 {
				if w.Request != nil {
					return w.Request.Seconds * 1e6
				}
				return w.Last * 1e6
			}),
		{name: "phpfpm_process_state", help: "The state of the process (Idle, Running, ...).", kind: gauge, labels: []string{"pool", "child", "state", "scrape_uri"},
			values: func(s *control.Status, tell tell) {
				eachProcess(s, func(child string, w *control.WorkerStatus) {
					for _, state := range []string{"Idle", "Running", "Finishing", "Reading headers", "Getting request information", "Ending"} {
						tell(oneIf(fpmState(w) == state), poolOf(s), child, state, scrapeURI(s))
					}
				})
			}},
	}
}

var poolLabels = []string{"pool", "scrape_uri"}

// poolOf is the name of the application's folder: a pool of php-fpm is an application most of the time.
func poolOf(s *control.Status) string { return filepath.Base(s.Root) }

func scrapeURI(s *control.Status) string {
	return "unix://" + filepath.Join(s.SocketDir, control.SocketName)
}

func pool(s *control.Status) []string { return []string{poolOf(s), scrapeURI(s)} }

func fpm(name, help string, kind dto.MetricType, value func(*control.Status) float64) family {
	return family{name: name, help: help, kind: kind, labels: poolLabels, values: func(s *control.Status, tell tell) { tell(value(s), pool(s)...) }}
}

func fpmProcess(name, help string, kind dto.MetricType, value func(*control.WorkerStatus) float64) family {
	return family{name: name, help: help, kind: kind, labels: []string{"pool", "child", "scrape_uri"}, values: func(s *control.Status, tell tell) {
		eachProcess(s, func(child string, w *control.WorkerStatus) { tell(value(w), poolOf(s), child, scrapeURI(s)) })
	}}
}

// eachProcess calls with the newest worker of each slot, which is the child's number.
func eachProcess(s *control.Status, do func(child string, w *control.WorkerStatus)) {
	for _, slot := range present(s) {
		if w := newest(slot); w != nil {
			do(number(slot.Slot), w)
		}
	}
}

func fpmState(w *control.WorkerStatus) string {
	switch {
	case w.Request != nil:
		return "Running"
	case w.State == "idle":
		return "Idle"
	case w.State == "draining", w.State == "killing":
		return "Ending"
	default: // it comes up, and has no request
		return "Getting request information"
	}
}

func idleProcesses(s *control.Status) (idle int) {
	for _, slot := range s.Slots {
		for _, w := range slot.Workers {
			if w.State == "idle" {
				idle++
			}
		}
	}
	return idle
}
