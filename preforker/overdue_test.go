package preforker

import (
	"encoding/binary"
	"testing"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/internal/scoreboard"
)

// clocked is a clock of requests over one worker of record 1, whose request began at 0.
type clocked struct {
	*requestClock
	board boardOf
	at    time.Duration
	found []notice
}

func newClocked(limits core.Limits) *clocked {
	c := &clocked{board: make(boardOf, 4*scoreboard.RecordSize)}
	c.requestClock = newRequestClock(c.board, limits, func(n notice) { c.found = append(c.found, n) })
	c.now = func() (time.Duration, error) { return c.at, nil }
	c.board.write(1, scoreboard.Busy, 7)
	c.set(4, 4711)
	c.sequence(1)
	return c
}

func (c *clocked) set(offset int, value uint32) {
	binary.LittleEndian.PutUint32(c.board[scoreboard.RecordSize+offset:], value)
}

func (c *clocked) sequence(n uint32) {
	c.set(0, n)
	c.set(252, n)
}

func (c *clocked) after(at time.Duration) []notice {
	c.at, c.found = at, nil
	c.check([]healthTarget{{key: watchedKey, pid: 4711, record: 1, ready: true}})
	return c.found
}

// TestOverdueRequests: each is told once, the next one of the same worker anew.
func TestOverdueRequests(t *testing.T) {
	c := newClocked(core.Limits{RequestTimeout: time.Minute, SlowLog: 2 * time.Second})
	for _, step := range []struct {
		at    time.Duration
		found []bool // whether it is slow alone
	}{
		{time.Second, nil}, {2 * time.Second, []bool{true}}, {3 * time.Second, nil}, {59 * time.Second, nil}, {time.Minute, []bool{false}}, {90 * time.Second, nil},
	} {
		found := c.after(step.at)
		if len(found) != len(step.found) {
			t.Fatalf("after %v: %+v", step.at, found)
		}
		for i, slow := range step.found {
			if e := found[i].(core.RequestOverdue); e.Slow != slow || e.After != step.at || e.Key != watchedKey || e.Request == "" {
				t.Errorf("after %v: %+v", step.at, e)
			}
		}
	}
	c.sequence(2)
	if found := c.after(2 * time.Minute); len(found) != 2 {
		t.Errorf("the next request: %+v", found)
	}
}

// TestRequestsThatAreNotOverdue: whoever waits for a client, has begun to respond, or was given more time.
func TestRequestsThatAreNotOverdue(t *testing.T) {
	const begun, allowed = 248, 250
	for name, change := range map[string]func(*clocked){
		"half written": func(c *clocked) { c.set(252, 9) },
		"idle":         func(c *clocked) { c.board[scoreboard.RecordSize+8] = byte(scoreboard.Idle) },
		"receiving":    func(c *clocked) { c.board[scoreboard.RecordSize+8] = byte(scoreboard.Receiving) },
		"booting":      func(c *clocked) { c.board[scoreboard.RecordSize+8] = byte(scoreboard.Booting) },
		"responding":   func(c *clocked) { c.board[scoreboard.RecordSize+begun] = 1 },
		"any time": func(c *clocked) {
			binary.LittleEndian.PutUint16(c.board[scoreboard.RecordSize+allowed:], 65535)
		},
		"more time": func(c *clocked) { binary.LittleEndian.PutUint16(c.board[scoreboard.RecordSize+allowed:], 3601) },
		"another's": func(c *clocked) { c.set(4, 4712) },
	} {
		c := newClocked(core.Limits{RequestTimeout: time.Minute})
		change(c)
		if found := c.after(time.Hour); len(found) != 0 {
			t.Errorf("%s: %+v", name, found)
		}
	}
	c := newClocked(core.Limits{RequestTimeout: time.Minute})
	binary.LittleEndian.PutUint16(c.board[scoreboard.RecordSize+allowed:], 3600)
	if found := c.after(time.Hour); len(found) != 1 {
		t.Errorf("the time that it was given is over: %+v", found)
	}
	if c := newClocked(core.Limits{}); len(c.after(time.Hour)) != 0 {
		t.Error("there is no limit")
	}
}

func TestChecksOfRequests(t *testing.T) {
	for limits, want := range map[core.Limits]int{
		{}: 1, {RequestTimeout: time.Minute}: 1, {RequestTimeout: time.Minute, SlowLog: time.Second}: 4, {SlowLog: 100 * time.Millisecond}: 10,
		{RequestTimeout: 2 * time.Second}: 2,
	} {
		if got := newRequestClock(nil, limits, nil).checks(); got != want {
			t.Errorf("%+v: %d, want %d", limits, got, want)
		}
	}
}
