package load

import (
	"launcher/cmd/launcher/internal/experiment/mix"

	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"launcher/fcgi/fcgitest"
)

func basic(paths ...string) Plan {
	return Plan{Mix: mix.Gets(paths...), Requests: len(paths), Connections: 1, Timeout: fcgitest.Patience, Host: "www.example.org"}
}

func TestCounts(t *testing.T) {
	const requests, connections, size = 200, 8, 26000
	// Each server has a count of its own, kept by the last handler that was made.
	var asked sync.Map
	var now, peak, wrongHost atomic.Int64
	handler := func() http.Handler {
		asked.Clear()
		peak.Store(0)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer now.Add(-1)
			for n := now.Add(1); n > peak.Load(); {
				peak.Store(n)
			}
			if r.Host != "www.example.org" || r.Header.Get("Accept-Language") != "de" || r.Header.Get("Accept-Encoding") != "" {
				wrongHost.Add(1)
			}
			count, _ := asked.LoadOrStore(r.URL.RequestURI(), new(atomic.Int64))
			n := count.(*atomic.Int64).Add(1)
			w.Header().Set(PidHeader, strconv.FormatInt(100+n%2, 10))
			_, _ = w.Write(make([]byte, size))
		})
	}
	eachTarget(t, handler, func(t *testing.T, target Target) {
		plan := basic("/a", "/b?page=2&x=%20y")
		plan.Requests, plan.Connections = requests, connections
		plan.Header = http.Header{"Accept-Language": {"de"}}
		result := load(t, target, plan)
		if result.OK != requests || result.Bytes != requests*size {
			t.Errorf("%d right answers of %d bytes; %v", result.OK, result.Bytes, result.Failures)
		}
		for _, path := range []string{"/a", "/b?page=2&x=%20y"} {
			count, ok := asked.Load(path)
			if !ok || count.(*atomic.Int64).Load() != requests/2 {
				t.Errorf("%s was not asked for %d times", path, requests/2)
			}
		}
		if peak.Load() > connections {
			t.Errorf("%d requests at once", peak.Load())
		}
		if wrongHost.Load() > 0 {
			t.Errorf("%d requests without the host and the header that they should have", wrongHost.Load())
		}
		if result.Served[100] != requests/2 || result.Served[101] != requests/2 || len(result.Served) != 2 {
			t.Errorf("served: %v", result.Served)
		}
		if _, ok := target.(*httpTarget); ok && (result.Connects > connections || result.Retried > 0) {
			t.Errorf("%d connections, %d requests sent again", result.Connects, result.Retried)
		} else if !ok && result.Connects != requests {
			t.Errorf("%d connections for %d requests", result.Connects, requests)
		}
		if !slices.IsSorted(result.Latencies) || result.Latencies[0] <= 0 || result.Quantile(1) > result.Elapsed {
			t.Errorf("latencies from %v to %v in %v", result.Latencies[0], result.Quantile(1), result.Elapsed)
		}
	})
}

func TestLargeResponse(t *testing.T) {
	const size = 3 * maxHead
	handler := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, size)) })
	}
	eachTarget(t, handler, func(t *testing.T, target Target) {
		if result := load(t, target, basic("/", "/")); result.OK != 2 || result.Bytes != 2*size {
			t.Errorf("%d right answers, %d bytes, %v", result.OK, result.Bytes, result.Failures)
		}
	})
}

func TestErrorsByKind(t *testing.T) {
	handler := func() http.Handler {
		mux := http.NewServeMux()
		mux.HandleFunc("/right", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(PidHeader, "7")
			_, _ = w.Write([]byte("right"))
		})
		mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(PidHeader, "8")
			w.WriteHeader(http.StatusInternalServerError)
		})
		mux.HandleFunc("/private", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login?from=private", http.StatusFound)
		})
		mux.HandleFunc("/empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
		mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("four"))
		})
		return mux
	}
	eachTarget(t, handler, func(t *testing.T, target Target) {
		plan := basic("/right", "/broken", "/private", "/nothing", "/empty", "/short")
		plan.Requests = 15
		result := load(t, target, plan)
		want := []Failure{
			{"GET /broken: status 500", 3},
			{"GET /private: status 302 to /login?from=private", 3},
			{"GET /empty: status 204", 2},
			{"GET /nothing: status 404", 2},
			{"GET /short: body is shorter than announced", 2},
		}
		if !slices.Equal(result.Failures, want) {
			t.Errorf("got  %v\nwant %v", result.Failures, want)
		}
		if result.OK != 3 || result.Errors != 12 || result.Bytes != 3*int64(len("right")) {
			t.Errorf("%d right and %d wrong, %d bytes", result.OK, result.Errors, result.Bytes)
		}
		if result.Served[7] != 3 || result.Served[8] != 3 {
			t.Errorf("served: %v", result.Served)
		}
	})
}

func TestKindsAreBounded(t *testing.T) {
	handler := func() http.Handler { return http.NotFoundHandler() }
	eachTarget(t, handler, func(t *testing.T, target Target) {
		var paths []string
		for i := range 25 {
			paths = append(paths, fmt.Sprintf("/%02d", i))
		}
		plan := basic(paths...)
		plan.Requests = 50
		result := load(t, target, plan)
		if n := len(result.Failures); n != maxKinds+1 {
			t.Fatalf("%d kinds", n)
		}
		if last := result.Failures[maxKinds]; last != (Failure{otherFailures, 10}) {
			t.Errorf("the last is %v", last)
		}
	})
}

func TestTimeout(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	handler := func() http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-never: // FastCGI's handlers are not told
			}
		})
	}
	eachTarget(t, handler, func(t *testing.T, target Target) {
		plan := basic("/slow")
		plan.Requests, plan.Connections, plan.Timeout = 4, 2, 50*time.Millisecond
		result := load(t, target, plan)
		if want := []Failure{{"GET /slow: no whole answer within 50ms", 4}}; !slices.Equal(result.Failures, want) {
			t.Errorf("got %v, want %v", result.Failures, want)
		}
		if result.Elapsed < 2*plan.Timeout {
			t.Errorf("two requests of each slot timed out within %v", result.Elapsed)
		}
		if result.Quantile(0.5) != 0 || result.Throughput() != 0 {
			t.Errorf("latency %v and throughput %v of nothing", result.Quantile(0.5), result.Throughput())
		}
	})
}

// stall returns a handler whose first response comes after the stall, and that counts requests.
func stall(length time.Duration, count *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if count.Add(1) == 1 {
			time.Sleep(length) // this is the stall itself; nothing waits for it by time
		}
	})
}

// The bounds are such that they cannot fail by chance: what is slow makes latencies
// longer, and these are lower ones.
func TestRateCountsFromDue(t *testing.T) {
	const length, rate, requests = 300 * time.Millisecond, 1000, 5
	eachTarget(t, func() http.Handler { return stall(length, new(atomic.Int64)) }, func(t *testing.T, target Target) {
		plan := basic("/")
		plan.Requests, plan.Rate = requests, rate
		result := load(t, target, plan)
		// Request i was due i ms after the first, and waited for its response.
		if bound := length - (requests-1)*time.Second/rate; result.Quantile(0) < bound {
			t.Errorf("a request that waited at least %v has a latency of %v", bound, result.Quantile(0))
		}
	})
}

func TestClosedLoopCountsFromSend(t *testing.T) {
	eachTarget(t, func() http.Handler { return stall(100*time.Millisecond, new(atomic.Int64)) }, func(t *testing.T, target Target) {
		plan := basic("/")
		plan.Requests = 5
		result := load(t, target, plan)
		sum := 0.0
		for _, seconds := range result.Latencies {
			sum += seconds
		}
		if sum > result.Elapsed.Seconds() {
			t.Errorf("one request after the other took %v s, together %v s", result.Elapsed.Seconds(), sum)
		}
	})
}

func TestRateIsNotExceeded(t *testing.T) {
	target, _ := serveHTTP(t, "unix", stall(0, new(atomic.Int64)))
	plan := basic("/")
	plan.Requests, plan.Rate, plan.Connections = 20, 100, 4
	if result := load(t, target, plan); result.Elapsed < 190*time.Millisecond {
		t.Errorf("20 requests at 100 a second took %v", result.Elapsed)
	}
	start := time.Now()
	if got := dueAt(start, 3, 3_000_000).Sub(start); got != 1_000_000*time.Second {
		t.Errorf("request 3000000 at 3 a second is due after %v", got)
	}
}

func TestCancelUnderLoad(t *testing.T) {
	for _, rate := range []float64{0, 1000} {
		release := make(chan struct{})
		defer close(release)
		var ctx context.Context // of the server that was made last
		handler := func() http.Handler {
			var count atomic.Int64
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(t.Context())
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if count.Add(1) <= 20 {
					return
				}
				cancel()
				select {
				case <-r.Context().Done():
				case <-release: // FastCGI's handlers are not told
				}
			})
		}
		eachTarget(t, handler, func(t *testing.T, target Target) {
			plan := basic("/")
			plan.Requests, plan.Connections, plan.Rate = 1000, 4, rate
			plan.Timeout = time.Hour // of a request that is not cut
			result := Run(ctx, target, plan, nil)
			check(t, result)
			if result.Elapsed >= plan.Timeout {
				t.Error("the requests in flight were not cut")
			}
			if result.OK == 0 || result.OK > 20 || result.Errors != 0 || result.Elapsed <= 0 {
				t.Errorf("%d right, %d wrong, %v", result.OK, result.Errors, result.Failures)
			}
		})
	}
}

func TestCancelBeforeDue(t *testing.T) {
	target, _ := serveHTTP(t, "tcp", http.NotFoundHandler())
	ctx, cancel := context.WithCancel(context.Background())
	plan := basic("/")
	plan.Requests, plan.Connections, plan.Rate = 10, 2, 1e-3
	result := Run(ctx, target, plan, func(done, _ int) {
		if done == 1 {
			cancel() // one slot waits for the next request, which is due in 1000 s
		}
	})
	check(t, result)
	if result.Errors != 1 || result.OK != 0 {
		t.Errorf("%d right, %d wrong", result.OK, result.Errors)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	target, _ := serveHTTP(t, "tcp", http.NotFoundHandler())
	result := Run(ctx, target, basic("/"), nil)
	check(t, result)
	if result.OK+result.Errors+result.Connects != 0 {
		t.Errorf("got %+v", result)
	}
	if _, err := Probe(ctx, target, basic("/")); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("got %v", err)
	}
}

func TestProgress(t *testing.T) {
	gate := make(chan struct{})
	var count, calls atomic.Int64
	target, _ := serveHTTP(t, "tcp", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) == 10 {
			<-gate
		}
		if r.URL.Path == "/wrong" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	plan := basic("/right", "/wrong")
	plan.Requests = 20
	var doneBefore, done, failed int // without a lock: the race detector sees a second goroutine
	began := time.Now()
	result := Run(context.Background(), target, plan, func(d, f int) {
		if d < done || f < failed {
			t.Errorf("from %d and %d back to %d and %d", done, failed, d, f)
		}
		done, failed = d, f
		if calls.Add(1) == 2 {
			doneBefore = d
			close(gate)
		}
	})
	check(t, result)
	if bound := int64(time.Since(began)/progressPeriod) + 1; calls.Load() > bound {
		t.Errorf("%d calls, %d at most", calls.Load(), bound)
	}
	if doneBefore > 9 || done != 20 || failed != 10 {
		t.Errorf("%d under load; %d done and %d failed in the end", doneBefore, done, failed)
	}
}

func TestProbe(t *testing.T) {
	handler := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/right" {
				http.Redirect(w, r, "/login", http.StatusSeeOther)
				return
			}
			w.Header().Set("X-Version", "3")
			_, _ = w.Write([]byte("right"))
		})
	}
	eachTarget(t, handler, func(t *testing.T, target Target) {
		plan := Plan{Mix: mix.Gets("/right"), Timeout: fcgitest.Patience}
		response, err := Probe(t.Context(), target, plan)
		if err != nil || response.Header.Get("X-Version") != "3" || response.Bytes != 5 {
			t.Errorf("got %+v, %v", response, err)
		}
		plan.Mix = mix.Gets("/private")
		if _, err = Probe(t.Context(), target, plan); err == nil || err.Error() != "GET /private: status 303 to /login" {
			t.Errorf("got %v", err)
		}
		plan.Mix = mix.Gets("private")
		if _, err = Probe(t.Context(), target, plan); err == nil || !strings.Contains(err.Error(), "malformed") {
			t.Errorf("got %v", err)
		}
		noGoroutines(t)
	})
}
