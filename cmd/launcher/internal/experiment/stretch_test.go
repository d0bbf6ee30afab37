package experiment

import "testing"

func TestStretches(t *testing.T) {
	r := Run{}
	r.Traffic.Seconds, r.Traffic.Began = 60.5, 4
	for i := range 59 {
		r.Traffic.Windows = append(r.Traffic.Windows, Window{Seconds: float64(i), Requests: 190 + 10*(i/30), Errors: 10})
	}
	r.Samples = append(r.Samples, Sample{Seconds: 15, Phase: PhaseLaunched, Usage: Usage{PSS: 1 << 40}})
	for second := range 60 {
		r.Samples = append(r.Samples, Sample{Seconds: 4 + float64(second), Phase: PhaseLoad, Usage: Usage{PSS: uint64(100 + second/20)}})
	}
	r.Samples = append(r.Samples, Sample{Seconds: 64.5, Phase: PhaseAfter, Usage: Usage{PSS: 1 << 40}})
	// 200 in each two seconds: 1,000 after the tenth.
	if s, found := r.StretchAfter(1000); !found || s.PSS < 100 || s.PSS > 100.2 || s.Throughput != 95 {
		t.Errorf("after 1000: %+v, %t", s, found)
	}
	if s, found := r.LastStretch(); !found || s.PSS != 102 || s.Throughput != 100 {
		t.Errorf("the last: %+v, %t", s, found)
	}
	for _, requests := range []int{5500, 50_000} { // it would end after the load does, or never begins
		if s, found := r.StretchAfter(requests); found {
			t.Errorf("after %d: %+v", requests, s)
		}
	}
	r.Traffic.Seconds = 9
	if s, found := r.LastStretch(); found {
		t.Errorf("of a load that was shorter: %+v", s)
	}
}
