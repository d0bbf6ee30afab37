package metrics

import (
	"launcher/preforker/control"
)

// Generations are numbered on with each load: those that are there are one or two.
func generationFamilies() []family {
	return []family{
		{name: "launcher_generation_info", help: "Versions of a generation that has loaded; the value is 1.", kind: gaugeType,
			labels: []string{labelGeneration, "ruby", "rails", "rack"}, values: func(s *control.Status, tell tell) {
				for _, g := range s.Generations {
					if g.Loaded != nil {
						tell(1, number(g.Generation), g.Ruby, g.Rails, g.Rack)
					}
				}
			}},
		{name: "launcher_generation_load_seconds", help: "What loading a generation took.", kind: gaugeType,
			labels: []string{labelGeneration}, values: func(s *control.Status, tell tell) {
				for _, g := range s.Generations {
					if g.Loaded != nil {
						tell(g.LoadTime, number(g.Generation))
					}
				}
			}},
		{name: "launcher_generation_loaded_time_seconds", help: "When a generation has loaded, as a Unix time.", kind: gaugeType,
			labels: []string{labelGeneration}, values: func(s *control.Status, tell tell) {
				for _, g := range s.Generations {
					if g.Loaded != nil {
						tell(float64(g.Loaded.UnixMilli())/1000, number(g.Generation))
					}
				}
			}},
		{name: "launcher_generation_workers", help: "Workers of a generation, also those that come up or leave.", kind: gaugeType,
			labels: []string{labelGeneration}, values: func(s *control.Status, tell tell) {
				counts := map[int]int{}
				for _, slot := range s.Slots {
					for _, w := range slot.Workers {
						counts[w.Generation]++
					}
				}
				for _, g := range s.Generations {
					tell(float64(counts[g.Generation]), number(g.Generation))
				}
			}},
	}
}
