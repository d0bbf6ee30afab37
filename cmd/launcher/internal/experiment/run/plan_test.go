//go:build linux

package run

import (
	"slices"
	"testing"
	"time"

	"launcher/cmd/launcher/internal/experiment"
)

func drain(p *plan) (steps []step) {
	for {
		s, ok := p.take()
		if !ok {
			return steps
		}
		steps = append(steps, s)
	}
}

func TestPlanOrder(t *testing.T) {
	want := []step{{"direct", 1}, {"smart", 1}, {"direct", 2}, {"smart", 2}, {"direct", 10}, {"smart", 10}}
	if got := drain(newPlan([]experiment.Method{"direct", "smart"}, []int{10, 1, 2, 2}, 1)); !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

// Rounds of one method in a row would all meet what the machine does just then.
func TestPlanRounds(t *testing.T) {
	want := []step{{"direct", 1}, {"smart", 1}, {"direct", 1}, {"smart", 1}, {"direct", 2}, {"smart", 2}, {"direct", 2}, {"smart", 2}}
	p := newPlan([]experiment.Method{"direct", "smart"}, []int{2, 1}, 2)
	if got := drain(p); !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	p.done(step{"smart", 1}, time.Second, 100)
	p.done(step{"smart", 1}, time.Second, 120)
	if got := p.expected(step{"smart", 2}); got != 0 {
		t.Errorf("expected %d of two rounds of one number", got)
	}
	p.done(step{"smart", 2}, time.Second, 130)
	if got := p.expected(step{"smart", 4}); got != 150 {
		t.Errorf("expected %d, want 130 + 2·10", got)
	}
}

func TestPlanDrop(t *testing.T) {
	p := newPlan([]experiment.Method{"direct", "puma", "smart"}, []int{1, 2, 3}, 1)
	p.take()
	p.take()
	if dropped := p.drop("puma"); dropped != 2 {
		t.Errorf("%d steps dropped, want the 2 that were ahead", dropped)
	}
	want := []step{{"smart", 1}, {"direct", 2}, {"smart", 2}, {"direct", 3}, {"smart", 3}}
	if got := drain(p); !slices.Equal(got, want) {
		t.Errorf("left %v, want %v", got, want)
	}
	if dropped := p.drop("puma"); dropped != 0 {
		t.Errorf("%d dropped of none", dropped)
	}
}

// One run says nothing of how much of its memory the next process would share.
func TestPlanExpectedMemory(t *testing.T) {
	p := newPlan([]experiment.Method{"smart"}, []int{1, 2, 4, 10}, 1)
	next := step{"smart", 10}
	if got := p.expected(next); got != 0 {
		t.Errorf("expected %d of nothing", got)
	}
	p.done(step{"smart", 1}, time.Second, 100)
	if got := p.expected(next); got != 0 {
		t.Errorf("expected %d of one run", got)
	}
	p.done(step{"smart", 2}, time.Second, 110)
	if got := p.expected(next); got != 190 {
		t.Errorf("expected %d, want 110 + 8·10", got)
	}
	p.done(step{"smart", 4}, time.Second, 150)
	if got := p.expected(next); got != 270 {
		t.Errorf("expected %d, want 150 + 6·20: the last two runs tell", got)
	}
	p.done(step{"smart", 6}, time.Second, 0) // it failed
	if got := p.expected(next); got != 270 {
		t.Errorf("a failed run changed what is expected: %d", got)
	}
	p.done(step{"smart", 8}, time.Second, 10)
	if got := p.expected(step{"smart", 1000}); got != 0 {
		t.Errorf("expected %d: memory is never less than none", got)
	}
}

func TestPlanTimeLeft(t *testing.T) {
	p := newPlan([]experiment.Method{"direct", "smart"}, []int{1, 2}, 1)
	if got := p.left(); got != 0 {
		t.Errorf("%v left before anything is known", got)
	}
	for _, took := range []time.Duration{10 * time.Second, 4 * time.Second} {
		s, _ := p.take()
		p.done(s, took, 1)
	}
	if got := p.left(); got != 14*time.Second {
		t.Errorf("%v left, want 10 s of direct and 4 s of smart", got)
	}
	s, _ := p.take()
	p.done(s, 20*time.Second, 1)
	if got := p.left(); got != 4*time.Second {
		t.Errorf("%v left, want 4 s", got)
	}
	p = newPlan([]experiment.Method{"direct", "smart"}, []int{1}, 1)
	s, _ = p.take()
	p.done(s, 6*time.Second, 1)
	if got := p.left(); got != 6*time.Second {
		t.Errorf("%v left: of smart nothing is known but the mean", got)
	}
}
