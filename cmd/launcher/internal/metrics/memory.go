package metrics

import (
	"launcher/preforker/control"
)

func memoryFamilies() []family {
	return []family{
		gauge("launcher_memory_bytes", "Memory of the launcher, its preloaders and its workers: the sum of their PSS, as far as they were measured.",
			func(s *control.Status) float64 { return float64(s.Memory.PSS) }),
		gauge("launcher_memory_processes", "Processes that this memory is of.", func(s *control.Status) float64 { return float64(s.Memory.Measured) }),
		gauge("launcher_memory_age_seconds", "How long ago the first of them was measured.", func(s *control.Status) float64 { return s.Memory.Seconds }),
		gaugeIf("launcher_memory_bound_bytes", "What they have at most by --max-private; absent until that is known.", func(s *control.Status) (float64, bool) {
			if s.Memory.Bound == nil {
				return 0, false
			}
			return float64(s.Memory.Bound.Total), true
		}),
		gaugeIf("launcher_memory_limit_bytes", "What they can have at most: the cgroup's limit, or the machine's memory.", func(s *control.Status) (float64, bool) {
			if s.Memory.Limit == nil {
				return 0, false
			}
			return float64(s.Memory.Limit.Bytes), true
		}),
		gaugeIf("launcher_worker_private_limit_bytes", "The private memory at which a fork takes a worker's place.", func(s *control.Status) (float64, bool) {
			if s.Memory.Bound == nil {
				return 0, false
			}
			return float64(s.Memory.Bound.Each), true
		}),
		gaugeIf("launcher_supervisor_memory_bytes", "PSS of the launcher's own process.", func(s *control.Status) (float64, bool) {
			if s.Memory.Launcher == nil {
				return 0, false
			}
			return float64(s.Memory.Launcher.PSS), true
		}),
		{name: "launcher_preloader_memory_bytes", help: "PSS of the preloaders of a generation.", kind: gaugeType,
			labels: []string{labelGeneration}, values: func(s *control.Status, tell tell) {
				for _, g := range s.Generations {
					pss, measured := uint64(0), false
					for _, p := range g.Preloaders {
						if p.Memory != nil {
							pss, measured = pss+p.Memory.PSS, true
						}
					}
					if measured {
						tell(float64(pss), number(g.Generation))
					}
				}
			}},
	}
}
