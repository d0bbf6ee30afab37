package front

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"launcher/fcgi/fcgitest"
)

func mustAcquire(t *testing.T, p *pool) *socket {
	t.Helper()
	s, err := p.acquire(fcgitest.Context(t), time.Now().Add(fcgitest.Patience), false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// enqueue starts an acquire and returns once it waits.
func enqueue(t *testing.T, p *pool, again bool) <-chan *socket {
	t.Helper()
	got := make(chan *socket, 1)
	_, before := p.load()
	go func() {
		if s, err := p.acquire(fcgitest.Context(t), time.Now().Add(fcgitest.Patience), again); err == nil {
			got <- s
		}
	}()
	fcgitest.Eventually(t, "an acquire to wait", func() bool {
		_, waiting := p.load()
		return waiting != before
	})
	return got
}

func TestPoolIsFair(t *testing.T) {
	p := newPool([]string{"a"}, time.Hour)
	s := mustAcquire(t, p)
	first, second := enqueue(t, p, false), enqueue(t, p, false)
	returned := enqueue(t, p, true)
	for i, turn := range []<-chan *socket{returned, first, second} {
		p.release(s)
		select {
		case s = <-turn:
		case <-time.After(fcgitest.Patience):
			t.Fatalf("turn %d did not come", i)
		}
	}
}

func TestPoolPrefersLowIndexes(t *testing.T) {
	p := newPool([]string{"a", "b", "b", "c"}, time.Hour)
	var got []string
	for range 3 {
		got = append(got, mustAcquire(t, p).path)
	}
	if !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %v", got)
	}
}

func TestPoolSetAside(t *testing.T) {
	p := newPool([]string{"a", "b"}, time.Hour)
	if !p.setAside(mustAcquire(t, p)) {
		t.Error("the first failure was not the first")
	}
	b := mustAcquire(t, p)
	if b.path != "b" {
		t.Errorf("got %s, which was set aside", b.path)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if s, err := p.acquire(ctx, time.Now().Add(fcgitest.Patience), false); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", s, err)
	}
	if _, waiting := p.load(); waiting != 0 {
		t.Error("who gave up still waits")
	}

	p = newPool([]string{"a"}, time.Millisecond)
	a := mustAcquire(t, p)
	p.setAside(a)
	if a = mustAcquire(t, p); p.setAside(a) {
		t.Error("the second failure was called the first")
	}
	if a = mustAcquire(t, p); !p.release(a) {
		t.Error("the recovery was not noticed")
	}
	if p.release(mustAcquire(t, p)) {
		t.Error("a recovery without a failure")
	}
}

// A socket whose next worker has come up is handed out while the one before has a request; not where that may be in the hands of
// the next one.
func TestPoolRenews(t *testing.T) {
	t.Parallel()
	p := newPool([]string{"a", "b"}, time.Hour)
	older, other := mustAcquire(t, p), mustAcquire(t, p)
	next := enqueue(t, p, false)
	p.renew(0, time.Now().Add(settled-time.Minute))
	if len(next) > 0 {
		t.Error("a socket was renewed whose request is a new one")
	}
	p.renew(0, time.Now().Add(settled))
	newer := fcgitest.Await(t, "the renewed socket", next)
	if newer == older || newer.path != "a" || newer.slot != 0 {
		t.Errorf("got %+v", newer)
	}
	last := enqueue(t, p, false)
	p.release(older)
	if len(last) > 0 {
		t.Error("what a worker has finished that is leaving has made room for a request")
	}
	p.release(newer)
	if s := fcgitest.Await(t, "the socket of the newer worker", last); s != newer {
		t.Errorf("got %+v", s)
	}
	p.renew(1, time.Now())
	p.release(other)
	if s := mustAcquire(t, p); s != other {
		t.Errorf("got %+v", s)
	}
}

// What waits when nobody is left is told so at once, and so is what comes later.
func TestHandlerCloses(t *testing.T) {
	path := filepath.Join(fcgitest.TempDir(t), "s") // nobody is there yet
	front, server := serveFront(t, Config{Sockets: []string{path}, SetAside: fcgitest.Patience, WaitLimit: fcgitest.Patience})
	status := make(chan int, 1)
	go func() {
		resp, _, err := tryAsk(t, newRequest(t, "GET", server.URL, nil))
		if err != nil {
			t.Error(err)
			resp = &http.Response{}
		}
		status <- resp.StatusCode
	}()
	fcgitest.Eventually(t, "the request to wait", func() bool { _, waiting := front.Load(); return waiting > 0 })
	front.Close()
	if got := fcgitest.Await(t, "the answer", status); got != 503 {
		t.Errorf("got %d", got)
	}
	if resp, _ := ask(t, newRequest(t, "GET", server.URL, nil)); resp.StatusCode != 503 {
		t.Errorf("later: got %s", resp.Status)
	}
}

// TestPoolUsesParkedSocketsLast: one with a worker comes first, whatever its place.
func TestPoolUsesParkedSocketsLast(t *testing.T) {
	p := newPool([]string{"a", "b", "c"}, time.Hour)
	p.park(0, true)
	p.park(1, true)
	p.park(1, false)
	if s, ok := p.take(); !ok || s.path != "b" {
		t.Errorf("%+v", s)
	} else {
		p.release(s)
	}
	var got []string
	for range 3 {
		got = append(got, mustAcquire(t, p).path)
	}
	if !slices.Equal(got, []string{"b", "c", "a"}) {
		t.Errorf("got %v", got)
	}
}

// What need not wait takes the same one as who waits.
func TestPoolTakesWhatItHandsOut(t *testing.T) {
	p := newPool([]string{"a", "b", "c"}, time.Hour)
	p.park(0, true)
	p.setAside(mustAcquire(t, p)) // b
	var got []string
	for s, ok := p.take(); ok; s, ok = p.take() {
		got = append(got, s.path)
	}
	if !slices.Equal(got, []string{"c", "a"}) {
		t.Errorf("got %v", got)
	}
	enqueue(t, p, false)
	if s, ok := p.take(); ok {
		t.Errorf("took %s before its turn", s.path)
	}
}

// TestPoolChangesItsSockets: those that go finish their request, who waits gets those that come, and those that stay keep theirs.
func TestPoolChangesItsSockets(t *testing.T) {
	p := newPool([]string{"a", "b"}, time.Hour)
	a, b := mustAcquire(t, p), mustAcquire(t, p)
	waits := enqueue(t, p, false)
	p.setSockets([]string{"a", "b", "c"})
	if c := <-waits; c.path != "c" || c.slot != 2 {
		t.Errorf("%+v", c)
	}
	waits = enqueue(t, p, false)
	p.setSockets([]string{"a"})
	p.release(b)
	select {
	case s := <-waits:
		t.Errorf("%s is handed out, which is gone", s.path)
	default:
	}
	p.release(a)
	if again := <-waits; again != a {
		t.Errorf("%+v", again)
	}
}

// TestPoolChangesWhileASocketIsOut: who holds one reads its place while others come and go.
func TestPoolChangesWhileASocketIsOut(t *testing.T) {
	p := newPool([]string{"a"}, time.Minute)
	held, _ := p.take()
	read := make(chan int)
	go func() { read <- held.slot }()
	p.setSockets([]string{"a", "b"})
	if slot := <-read; slot != 0 {
		t.Errorf("its place is %d", slot)
	}
	if s := p.idle(); s == nil || s.path != "b" {
		t.Errorf("%+v is handed out beside it", s)
	}
}
