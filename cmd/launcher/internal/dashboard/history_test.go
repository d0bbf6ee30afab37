package dashboard

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"launcher/preforker/control"
)

func TestQuantile(t *testing.T) {
	bounds := []float64{0.1, 0.2, 0.4}
	for _, test := range []struct {
		counts []uint64
		share  float64
		want   float64
	}{
		{[]uint64{0, 0, 0, 0}, 0.5, 0}, {nil, 0.5, 0},
		{[]uint64{10, 0, 0, 0}, 0.5, 0.05}, {[]uint64{0, 10, 0, 0}, 0.5, 0.15}, {[]uint64{5, 5, 0, 0}, 0.5, 0.1},
		{[]uint64{0, 0, 10, 0}, 0.95, 0.39}, {[]uint64{50, 0, 0, 50}, 0.95, 0.4}, {[]uint64{0, 0, 0, 1}, 0.5, 0.4},
	} {
		if got := quantile(test.counts, bounds, test.share); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%v of %v: %v, want %v", test.share, test.counts, got, test.want)
		}
	}
	if got := quantile([]uint64{1}, nil, 0.5); got != 0 {
		t.Errorf("without bounds: %v", got)
	}
}

// statusAt is one with some figures.
func statusAt(at time.Time, served, errors uint64, counts ...uint64) control.Status {
	return control.Status{Time: at, Requests: control.RequestsStatus{Served: served, Errors: errors, Duration: control.Histogram{Bounds: []float64{1, 2}, Counts: counts}}}
}

func TestFlow(t *testing.T) {
	began := time.Now()
	h := &history{}
	h.add(statusAt(began, 100, 1, 100, 0, 0))
	if f := h.samples[0]; f.rate != 0 || f.median != 0 {
		t.Errorf("the first sample knows of no other: %+v", f)
	}
	h.add(statusAt(began.Add(10*time.Second), 150, 6, 120, 30, 0))
	if f := h.samples[1]; f.rate != 5 || f.errors != 0.5 || f.median != 1+float32(5)/30 {
		t.Errorf("%+v", f)
	}
	if f := h.recently(statusAt(began.Add(20*time.Second), 200, 6, 120, 80, 0)); !f.known || f.rate != 5 || f.count != 100 {
		t.Errorf("the last minute: %+v", f)
	}
	// Another launcher counts anew, and the clock may be set back.
	h.add(statusAt(began.Add(30*time.Second), 3, 0, 3, 0, 0))
	if f := h.samples[2]; f.rate != 0 || f.errors != 0 {
		t.Errorf("after a new start: %+v", f)
	}
	if h.add(statusAt(began, 9, 0)); len(h.samples) != 3 {
		t.Errorf("the past is no sample: %+v", h.samples)
	}
}

// TestHistoryIsBounded: an hour of samples in some kB, of which none is older.
func TestHistoryIsBounded(t *testing.T) {
	began := time.Now()
	h := &history{}
	var last time.Time
	for n := range 3 * maxSamples {
		last = began.Add(time.Duration(n) * samplePeriod)
		h.add(statusAt(last, uint64(n), 0, uint64(n), 0, 0))
	}
	ordered := h.inOrder(last)
	if len(h.samples) != maxSamples || len(ordered) != maxSamples || !ordered[maxSamples-1].at.Equal(last) || len(h.minute) > 7 {
		t.Errorf("%d samples, %d in order, %d of the last minute", len(h.samples), len(ordered), len(h.minute))
	}
	for i := 1; i < len(ordered); i++ {
		if ordered[i].at.Sub(ordered[i-1].at) != samplePeriod {
			t.Fatalf("%v comes after %v", ordered[i].at, ordered[i-1].at)
		}
	}
	if rest := h.inOrder(last.Add(span - time.Minute)); len(rest) != 7 {
		t.Errorf("%d samples an hour later", len(rest))
	}
	if size := maxSamples * int(unsafe.Sizeof(sample{})); size > 40<<10 {
		t.Errorf("they take %d bytes", size)
	}
}

// TestMarks finds deploys, deaths and loads that fail, each once, in the order in which they were.
func TestMarks(t *testing.T) {
	now := time.Now()
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	loaded, early := at(-20), at(-90)
	s := control.Status{Time: now, Generations: []control.GenerationStatus{{Generation: 1, Loaded: &early}, {Generation: 2, Loaded: &loaded, LoadTime: 2}, {Generation: 3}},
		FailedLoad: &control.FailedLoad{Generation: 4, Time: at(-5), Error: "boom"},
		Slots: []control.SlotStatus{{Slot: 0, Died: &control.DeathStatus{Time: at(-30), Pid: 7, Reason: "crashed", Exit: "signal SIGKILL", Error: "E: x", Request: "GET /x"}},
			{Slot: 1}, {Slot: 2, Died: &control.DeathStatus{Time: at(-10), Pid: 9, Reason: "crashed"}}}}
	m := &marks{}
	m.note(s)
	m.note(s)
	var got []string
	for _, one := range m.since(now) {
		got = append(got, one.kind+" "+one.text)
	}
	want := []string{"failure generation 4 has not loaded: boom", "death slot 2: worker 9 crashed", "deploy generation 2 loaded in 2.0\u00a0s",
		"death slot 0: worker 7 crashed, signal SIGKILL, E: x, in GET /x"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, want %q", got, want)
	}
	if left := m.since(now.Add(45 * time.Minute)); len(left) != 2 {
		t.Errorf("45 minutes later there are %v", left)
	}
	for n := range 3 * maxMarks {
		s.Time = s.Time.Add(time.Second)
		s.Slots[0].Died = &control.DeathStatus{Time: s.Time, Pid: n, Error: strings.Repeat("é", 1000)}
		m.note(s)
	}
	if len(m.all) != maxMarks || len(m.all[0].text) > maxMarkText {
		t.Errorf("%d marks, of %d bytes", len(m.all), len(m.all[0].text))
	}
}

// TestMarksOfEvents are deaths alone, of which the status then tells nothing.
func TestMarksOfEvents(t *testing.T) {
	now := time.Now()
	m := &marks{events: true}
	line := func(at time.Time, msg string, slot int) json.RawMessage {
		text, _ := json.Marshal(map[string]any{"time": at, "level": "ERROR", "msg": msg, "slot": slot, "gen": 1, "pid": 70 + slot, "exit": "signal SIGKILL", "served": 3, "reason": "crashed", "request": "GET /x"})
		return text
	}
	m.note(control.Status{Time: now, Slots: []control.SlotStatus{{Died: &control.DeathStatus{Time: now, Pid: 7}}}})
	m.noteEvents([]json.RawMessage{line(now.Add(-time.Minute), "worker died", 2), line(now, "worker is ready", 1), []byte("nonsense"),
		line(now.Add(-2*span), "worker died", 3), line(now.Add(-2*time.Minute), "worker died", 4)}, now)
	var got []string
	for _, one := range m.since(now) {
		got = append(got, one.text)
	}
	if strings.Join(got, "; ") != "slot 2: worker 72 crashed, signal SIGKILL, in GET /x; slot 4: worker 74 crashed, signal SIGKILL, in GET /x" {
		t.Errorf("%q", got)
	}
}

// TestNothingIsKeptUntilSomebodyLooks, and not for ever then.
func TestNothingIsKeptUntilSomebodyLooks(t *testing.T) {
	d, _ := still(t, example(1, time.Now()))
	now := time.Now()
	d.now = func() time.Time { return now }
	if d.sampling || cap(d.history.samples) != 0 {
		t.Error("it samples before anybody asks")
	}
	if _, err := d.view(t.Context()); err != nil || !d.sampling {
		t.Errorf("nobody samples: %v", err)
	}
	s := example(1, now)
	if !d.keep(s, nil) {
		t.Error("it ends at once")
	}
	now = now.Add(span + time.Second)
	if d.keep(s, nil) || d.sampling || len(d.history.samples) != 0 {
		t.Error("it goes on though nobody looks")
	}
	d.Keep()
	if now = now.Add(2 * span); !d.keep(example(1, now), nil) {
		t.Error("it ends though it was asked for")
	}
	v, err := d.view(t.Context())
	if err != nil || v.Since != "" {
		t.Errorf("the whole hour: %q, %v", v.Since, err)
	}
}

func TestPaths(t *testing.T) {
	now := time.Now()
	at := func(minutes float64, value int32) sample {
		return sample{at: now.Add(-time.Duration(minutes * float64(time.Minute))), busy: value}
	}
	h := hourly{now: now, samples: []sample{at(60, 0), at(59.5, 10), at(59, 10), at(30, 5), at(0, 10)}}
	of := func(s sample) float64 { return float64(s.busy) - 0.0 }
	for _, test := range []struct {
		line line
		want string
	}{
		{line{of: of}, "M0 159l6 -158h6M360 80h1M720 1h1"},
		{line{of: of, area: true}, "M-3 159h3l6 -158h6h3V163H-3ZM357 80h3h3V163H357ZM717 1h3h3V163H717Z"},
		{line{of: func(s sample) float64 { return float64(s.busy) - 6 }}, "M6 96h6M720 96h1"},
	} {
		if got := h.path(test.line, 10); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestNice(t *testing.T) {
	for highest, want := range map[float64]float64{0: 1, 0.03: 0.03, 0.031: 0.04, 1.1: 1.2, 9: 10, 11: 12, 100: 100, math.Inf(1): 1} {
		if got := niceDecimal(highest); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v: %v, want %v", highest, got, want)
		}
	}
	if got := niceBytes(198 * mB); got != 200*mB {
		t.Errorf("%v", got)
	}
	if got := niceCount(0); got != 2 {
		t.Errorf("%v", got)
	}
}

func TestFormats(t *testing.T) {
	for got, want := range map[string]string{
		inTime(0): "0 s", inTime(0.0042): "4.2 ms", inTime(0.42): "420 ms", inTime(0.9999): "1.0 s", inTime(5): "5.0 s", inTime(59.9): "59 s", inTime(61): "1 min 1 s",
		inTime(7300): "2 h 1 min", inTime(90000): "1 d 1 h", inBytes(0): "0 kB", inBytes(1 << 20): "1.0 MB", inBytes(300 * mB): "300 MB", inBytes(12 * gB): "12.0 GB",
		grouped(7): "7", grouped(1234): "1,234", grouped(1234567): "1,234,567", inRate(0): "0.0", inRate(12.3): "12",
		nameOf("/srv/shop"): "shop", nameOf("/srv/shop/current"): "shop", nameOf("/srv/shop/releases/20261126"): "shop", nameOf("/current"): "current", nameOf("/"): "",
		counted(1, "death", "deaths"): "1 death", counted(uint64(2), "death", "deaths"): "2 deaths",
	} {
		if strings.ReplaceAll(got, "\u00a0", " ") != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if fmt.Sprint(visible("a\u202e\x1bé")) != "a\uFFFD\uFFFDé" {
		t.Error(visible("a\u202e\x1bé"))
	}
}
