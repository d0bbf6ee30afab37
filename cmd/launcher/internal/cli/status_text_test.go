//go:build linux

package cli

import (
	"strings"
	"testing"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/proc"
)

// TestStatusText shows what a healthy launcher seldom has.
func TestStatusText(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	loaded, one := began.Add(time.Minute), 1
	mb := func(private, rss uint64) *control.ProcessMemory {
		return &control.ProcessMemory{Usage: proc.Usage{Private: private << 20, RSS: rss << 20}, Shared: (rss - private) << 20}
	}
	status := control.Status{
		Time: began.Add(26 * time.Hour), Pid: 10, Started: began, State: "running", Root: "/srv/s\x1b[0mp", SocketDir: "/run/shop", SpawnMethod: "smart",
		Limits: control.LimitsStatus{RequestTimeout: 60, SlowLog: 0.5, Memory: 500 << 20, MaxRequests: 1000, MaxAge: 6 * 3600, DrainTimeout: 30},
		Memory: control.MemoryStatus{Limit: &control.MemoryLimit{Bytes: 512 << 20, File: "/sys/fs/cgroup/a.slice/memory.max"}, PSS: 99 << 20, Processes: 6, Measured: 5, Seconds: 70, Launcher: mb(5, 12),
			Bound: &control.MemoryBound{Total: 190 << 20, Preloader: 60 << 20, Workers: 4, Each: 30 << 20, Provisional: true, Launcher: 10 << 20}},
		Generations: []control.GenerationStatus{{Generation: 1, Loaded: &began, LoadTime: 3, Rails: "6.1"},
			{Generation: 2, Loaded: &loaded, LoadTime: 1.25, Ruby: "3.1.2", Rack: "2.2.4", Preloaders: []control.PreloaderStatus{
				{State: "ready", Pid: 11, Memory: mb(20, 60)}, {Refork: 1, State: "starting"}},
				Held:   &control.HeldStatus{Time: began.Add(25 * time.Hour), Errors: 7, Deaths: 2},
				Refork: &control.ReforkStatus{State: "paced", Refork: 1, Left: 3, Next: 1.25}},
			{Generation: 3, Preloaders: []control.PreloaderStatus{{State: "loading", Seconds: 12, Pid: 12}}}},
		FailedLoad: &control.FailedLoad{Generation: 2, Time: began.Add(25 * time.Hour), Error: "load the application: it\nfailed"},
		Failing: &control.GenerationFailure{Generation: 2, Time: began.Add(25 * time.Hour), Failures: 9, Retry: 200, Error: "load the application: it failed",
			Backtrace: []string{"config.ru:1"}, Lines: []string{"1", "2", "3", "4", "5", "no \x1b[1mdatabase"}},
		Slots: []control.SlotStatus{
			{Slot: 0, Socket: "/run/shop/fastcgi.socket-0", Open: true, State: "occupied", Queue: &one, Workers: []control.WorkerStatus{
				{Generation: 1, Pid: 20, State: "draining", Seconds: 3, Served: 120000, Last: 0.0123, Longest: 70, Memory: mb(25, 70),
					Request: &control.RequestStatus{Method: "GET", Path: "/a/long/path/to/somewhere", Seconds: 125}},
				{Generation: 2, Refork: 1, State: "spawning"}}},
			{Slot: 1, Socket: "/run/shop/fastcgi.socket-1", State: "backoff", Retry: 7.5},
			{Slot: 2, Socket: "/run/shop/fastcgi.socket-2", Open: true, State: "vacant"},
			{Slot: 3, Socket: "/run/shop/fastcgi.socket-3", State: "failed", Retry: 9, Failed: &control.SlotFailure{Time: began.Add(26*time.Hour - time.Second), Deaths: 10},
				Died: &control.DeathStatus{Time: began.Add(26*time.Hour - time.Second), Generation: 2, Refork: 1, Pid: 99, Reason: "crashed", Exit: "signal SIGSEGV",
					Request: "GET /\x1b", Error: "KeyError: no key", Backtrace: []string{"1", "2", "3", "4", "5", "6"}, Lines: []string{"[BUG]"}}},
		},
		Requests: control.RequestsStatus{Accepted: 120005, Served: 120003, Errors: 12, Slow: 3,
			Duration:  control.Histogram{Bounds: []float64{0.001, 0.025, 0.25}, Counts: []uint64{50_000, 20_000, 49_000, 1004}, Sum: 4080, Count: 120_004},
			QueueTime: control.Histogram{Bounds: []float64{0.001, 2.5}, Counts: []uint64{99, 1, 0}, Sum: 0.25, Count: 100}},
		Workers: control.WorkersStatus{Configured: 4, Min: 4, Max: 4, Ready: 1, Busy: 1, MaxBusy: 3}, Queue: control.QueueStatus{Now: 1, Max: 12},
		Restarts:    map[string]uint64{"crashed": 2, "request timeout": 1, "boot failed": 10, "idle\x1b": 2},
		Spare:       &control.WorkerStatus{Generation: 1, Refork: 2, Pid: 19, State: "spare", Seconds: 9, Memory: mb(2, 62)},
		Collections: &control.CollectionStatus{Share: 0.0712},
		Front: &control.FrontStatus{Address: "127.0.0.1:3000", Connections: 12, MaxConnections: 114, Waiting: 3, Accepted: 4711, Evicted: 3, Handshakes: 1,
			Refused:    []control.RefusedStatus{{Code: 400, Reason: "malformed", Count: 1}, {Code: 413, Reason: "body too large"}, {Code: 503, Reason: "no worker was free", Count: 9}},
			Unanswered: map[string]uint64{"client left": 2, "made room": 0}},
	}
	const head = `application   /srv/s�[0mp, sockets in /run/shop
launcher      running, started 2026-05-04 03:02:01 (1 d 2 h ago), pid 10: 5.0 MB private, 7.0 MB shared
generation 1  loaded 2026-05-04 03:02:01 (1 d 2 h ago) in 3.0 s, Rails 6.1; only its workers are left
generation 2  loaded 2026-05-04 03:03:01 (1 d 1 h ago) in 1.2 s, Ruby 3.1.2, Rack 2.2.4
  held back   since 2026-05-05 04:02:01 (1 h 0 min ago): 7 requests answered with 500, 2 workers died, and no other answer; the slots keep the release before: deploy again (launcher restart)
  preloader   ready, pid 11: 20.0 MB private, 40.0 MB shared
  preloader   refork 1, starting
  refork      1 takes the slots without hurry, 3 to go: the next one in 1.2 s
generation 3  loading for 12 s
  preloader   loading, pid 12
generation 2  failed to load, 2026-05-05 04:02:01 (1 h 0 min ago): load the application: it�failed
failed        since 2026-05-05 04:02:01 (1 h 0 min ago): 9 loads one after the other; the next one in 3 min 20 s, or with a restart (HUP)
  the last    load the application: it failed
                from config.ru:1
                printed 2
                printed 3
                printed 4
                printed 5
                printed no �[1mdatabase
slot 3        failed since 2026-05-05 05:02:00 (1.0 s ago): 10 workers died one after the other; the next one in 9.0 s, or with a restart (HUP)
  died        2026-05-05 05:02:00 (1.0 s ago), pid 99 of generation 2.1: crashed, signal SIGSEGV, in GET /�: KeyError: no key
                from 1
                from 2
                from 3
                from 4
                from 5
                printed [BUG]
requests      120003 served, 12 failed, 3 slow: 34 ms in the mean, half within 25 ms, 99 % within 250 ms
  waited      2.5 ms in the mean, half within 1 ms, 99 % within 1 ms
workers       1 of 4 ready, busy: 1 (max 3), connections that wait: 1 (max 12)
  restarts    10 boot failed, 2 crashed, 2 idle�, 1 request timeout
memory        99.0 MB, the sum of PSS of 5 among 6 processes, measured up to 1 min 10 s ago (ask again for the others)
  at most     190.0 MB: preloader 60.0 + workers 4 * 30.0 + launcher 10.0 (provisional, until requests tell what a worker needs)
  limit       512.0 MB, of /sys/fs/cgroup/a.slice/memory.max
limits        request-timeout 1m0s, slow-log 500ms, memory-limit 500.0 MB, max-requests 1000, max-age 6h0m0s, drain-timeout 30s
collections   7.1 % of the CPU time of the requests, between them
http          127.0.0.1:3000, connections: 12 of at most 114, requests that wait: 3
  connections 4711 so far, 3 of them closed for others, 1 without a TLS handshake
  refused     9 with 503 (no worker was free), 1 with 400 (malformed)
  unanswered  2 client left
spare         generation 1.2, for 9.0 s, pid 19: 2.0 MB private, 60.0 MB shared

`
	const table = `SLOT  SOCKET            PID  GEN  STATE               FOR  REQUEST                         LAST  SERVED  PRIVATE  SHARED  QUEUE
   0  fastcgi.socket-0   20    1  draining      2 min 5 s  GET /a/long/path/to/somewhere  12 ms  120000     25.0    45.0      1
   0  fastcgi.socket-0    –  2.1  spawning          0.0 s                                     –       0        –       –      1
   1  (closed)            –    –  backoff   next in 7.5 s                                     –       –        –       –      –
   2  fastcgi.socket-2    –    –  vacant                –                                     –       –        –       –      –
   3  (closed)            –    –  failed    next in 9.0 s                                     –       –        –       –      –
`
	for _, width := range []int{0, 200} {
		if got := statusText(status, width, time.UTC); got != head+table {
			t.Errorf("%d columns: got\n%s\nwant\n%s", width, got, head+table)
		}
	}
	if got := statusText(status, 100, time.UTC); !strings.Contains(got, "  GET /a/long…  ") || strings.Contains(got, "somewhere") {
		t.Errorf("100 columns:\n%s", got)
	}
}

func TestReforkWords(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]control.ReforkStatus{
		"2 takes the slots without hurry, 1 to go: the next one when its worker is idle": {State: "paced", Refork: 2, Left: 1},
		"put off: it would gain 1.2 MB a worker, and pays from 2.0 on":                   {State: "put off", Gain: 1258291, PaysFrom: 2 << 20},
	} {
		if got := reforkWords(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestInTime(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{-time.Second: "0 s", 0: "0.0 s", 9940 * time.Millisecond: "9.9 s", 10 * time.Second: "10 s",
		90 * time.Second: "1 min 30 s", time.Hour: "1 h 0 min", 49*time.Hour + time.Minute: "2 d 1 h"} {
		if got := inTime(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
