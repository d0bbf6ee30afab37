package ruby

import (
	"maps"
	"testing"
)

func TestEnvironment(t *testing.T) {
	old := heapRecord{Version: "3.1.2", Slots: map[string]int{"40": 1000}}
	pools := heapRecord{Version: "3.3.8", Slots: map[string]int{"40": 100_000, "80": 500, "640": 0, "160": 10, "320": 5}}
	large := heapRecord{Version: "3.3.8", Slots: map[string]int{"40": 1_000_000, "80": 1000}}
	for name, test := range map[string]struct {
		env  environment
		want map[string]string
	}{
		"nothing learned":  {environment{}, nil},
		"one size":         {environment{learned: true, heap: old}, map[string]string{"RUBY_GC_HEAP_INIT_SLOTS": "1200", varMinRatio: minRatio}},
		"sizes":            {environment{learned: true, heap: pools}, map[string]string{"RUBY_GC_HEAP_0_INIT_SLOTS": "120000", "RUBY_GC_HEAP_1_INIT_SLOTS": "2548", "RUBY_GC_HEAP_2_INIT_SLOTS": "1034", "RUBY_GC_HEAP_3_INIT_SLOTS": "517", "RUBY_GC_HEAP_4_INIT_SLOTS": "256", varMinRatio: minRatio}},
		"a large heap":     {environment{learned: true, heap: large}, map[string]string{"RUBY_GC_HEAP_0_INIT_SLOTS": "1200000", "RUBY_GC_HEAP_1_INIT_SLOTS": "7262", varMinRatio: minRatio}},
		"nonsense learned": {environment{learned: true, heap: heapRecord{Version: "3.3.8", Slots: map[string]int{"small": 3}}}, nil},
		"negative":         {environment{learned: true, heap: heapRecord{Version: "3.3.8", Slots: map[string]int{"40": -1}}}, nil},
		"without sizes":    {environment{learned: true, heap: old, without: []Optimization{OptimizationHeapSize}}, nil},
		"without arena":    {environment{without: []Optimization{OptimizationArena}}, map[string]string{"MALLOC_ARENA_MAX": "1"}},
		"the user's own": {environment{learned: true, heap: old, user: func(name string) (string, bool) { return "7", name != varMinRatio }},
			map[string]string{varMinRatio: minRatio}},
	} {
		if test.env.user == nil {
			test.env.user = func(string) (string, bool) { return "", false }
		}
		if got := test.env.variables(); !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
