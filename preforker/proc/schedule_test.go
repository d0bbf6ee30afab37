package proc

import (
	"errors"
	"testing"
	"time"
)

// TestRunnable: of a process that computes and one that sleeps.
func TestRunnable(t *testing.T) {
	busy, idle := startRuby(t, "puts; loop {}"), startRuby(t, "puts; sleep")
	busy.expect("")
	idle.expect("")
	slept, err := Runnable(idle.pid())
	if err != nil || slept <= 0 {
		t.Fatalf("it has started, in %v, %v", slept, err)
	}
	for { // it gets there, however many others there are: waiting counts
		ran, err := Runnable(busy.pid())
		if err != nil {
			t.Fatal(err)
		}
		if ran > slept+100*time.Millisecond {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if _, err := Runnable(1 << 30); !errors.Is(err, ErrGone) {
		t.Errorf("no such process: %v", err)
	}
}

func TestParseSchedule(t *testing.T) {
	if d, err := parseSchedule([]byte("25 17 3\n")); d != 42 || err != nil {
		t.Errorf("%v, %v", d, err)
	}
	for _, text := range []string{"", "1 2", "1 2 3 4", "1 -2 3", "x 2 3", "9223372036854775807 9223372036854775807 1"} {
		if d, err := parseSchedule([]byte(text)); err == nil || d != 0 {
			t.Errorf("%q: %v", text, d)
		}
	}
}
