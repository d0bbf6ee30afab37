package dashboard

import (
	"fmt"
	"math"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/proc"
)

// hostile is a path that a client may choose.
const hostile = `/<script>alert(1)</script>"'&` + "\u202e\x1b[2J"

func memory(private, shared uint64) *control.ProcessMemory {
	return &control.ProcessMemory{Usage: proc.Usage{RSS: (private + shared) * mB, PSS: (private + shared/8) * mB, Private: private * mB}, Shared: shared * mB}
}

// example is the status of so many slots, some of which have something to tell.
func example(slots int, now time.Time) control.Status {
	loaded, load2 := now.Add(-26*time.Hour), now.Add(-17*time.Minute)
	s := control.Status{Version: control.StatusVersion, Time: now, Launcher: "0.9.0", Pid: 4242, Started: loaded.Add(-4 * time.Second), State: "running",
		Root: "/srv/shop/current", SocketDir: "/srv/shop/shared/log", SpawnMethod: "smart",
		Limits: control.LimitsStatus{RequestTimeout: 60, SlowLog: 5},
		Generations: []control.GenerationStatus{
			{Generation: 1, Loaded: &loaded, LoadTime: 4.1, Ruby: "3.1.2", Rails: "6.1.7.10", Rack: "2.2.20"},
			{Generation: 2, Loaded: &load2, LoadTime: 3.8, Ruby: "3.1.2", Rails: "7.2.2", Rack: "3.1.16", Preloaders: []control.PreloaderStatus{
				{State: "ready", Pid: 5001, Memory: memory(12, 130)}, {State: "ready", Refork: 1, Pid: 5301, Memory: memory(9, 140)}}},
		},
		Restarts: map[string]uint64{"replaced": uint64(3 * slots), "crashed": 2, "memory": 5},
		Requests: control.RequestsStatus{Accepted: 918273, Served: 918270, Errors: 17, Slow: 4, Duration: control.Histogram{
			Bounds: []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}, Counts: make([]uint64, 12)}},
		Releases: 2, Reforks: 3,
	}
	s.Memory = control.MemoryStatus{PSS: uint64(90+9*slots) * mB, Processes: slots + 3, Measured: slots + 3,
		Bound: &control.MemoryBound{Total: uint64(150+24*slots) * mB, Workers: slots, Each: 24 * mB}}
	for n := range slots {
		queue := 0
		slot := control.SlotStatus{Slot: n, Socket: fmt.Sprintf("/srv/shop/shared/log/fastcgi.socket-%d", n), State: "occupied", Open: true, Queue: &queue,
			Restarts: map[string]uint64{"replaced": 3}, Served: uint64(20000 + 731*n)}
		w := control.WorkerStatus{Generation: 2, Refork: 1, Pid: 6000 + n, State: "idle", Seconds: float64(n%7)*1.3 + 0.2, Served: uint64(900 - n), Memory: memory(uint64(6+n%9), 96),
			Last: 0.012 + 0.004*float64(n%5), Longest: 0.4 + 0.3*float64(n%4), CPU: 61.5 + float64(n)}
		switch n % 5 {
		case 1:
			w.State, w.Seconds = "busy", 0.031
			w.Request = &control.RequestStatus{Method: "GET", Path: "/products/4711", Seconds: 0.031}
		case 3:
			queue, w.State, w.Seconds = 4, "busy", 12.4
			w.Request = &control.RequestStatus{Method: "POST", Path: "/orders/2026-11/exports/of-everything-that-was-sold-in-all-of-our-shops.csv", Seconds: 12.4, Cut: true}
		}
		slot.Workers = []control.WorkerStatus{w}
		if w.State == "busy" {
			s.Workers.Busy++
		}
		s.Queue.Now += queue
		s.Slots = append(s.Slots, slot)
	}
	s.Workers.Configured, s.Workers.Min, s.Workers.Max, s.Workers.Ready, s.Workers.MaxBusy, s.Queue.Max = slots, slots, slots, slots, slots, 9
	s.Slots[slots-1].Died = &control.DeathStatus{Time: now.Add(-31 * time.Minute), Generation: 2, Pid: 5777, Reason: "crashed", Exit: "signal SIGSEGV", Request: "GET " + hostile}
	return s
}

// hourOf is a history of an hour before a status.
func hourOf(s control.Status) *history {
	h := &history{}
	now := s.Time
	counts := make([]uint64, 12)
	served, errors := uint64(900000), uint64(3)
	for n := range maxSamples {
		at := now.Add(-span + time.Duration(n+1)*samplePeriod)
		load := 0.5 + 0.4*math.Sin(float64(n)/37) + 0.1*math.Sin(float64(n)*1.7)
		one := s
		one.Time = at
		served += uint64(load * 480)
		if n > 200 && n < 215 {
			errors++
		}
		for i, share := range []float64{1, 4, 12, 9, 4, 2, 1} {
			counts[i] += uint64(share * load * (1 + math.Sin(float64(n)/11)/4) * 12)
		}
		one.Requests.Served, one.Requests.Errors = served, errors
		one.Requests.Duration.Counts = append([]uint64(nil), counts...)
		one.Memory.PSS = uint64(float64(s.Memory.PSS) * (0.8 + 0.2*float64(n)/float64(maxSamples) + 0.05*load))
		one.Workers.Busy = int(load * float64(len(s.Slots)) * 0.7)
		one.Queue.Now = int(max(0, load-0.85) * 40)
		h.add(one)
	}
	return h
}
