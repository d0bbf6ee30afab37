package load

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"launcher/cmd/launcher/internal/experiment/mix"
)

// PidHeader is the field of a response in which a server names the process that made it.
const PidHeader = "X-Launcher-Pid"

// progressPeriod is the time between two calls of progress.
const progressPeriod = 100 * time.Millisecond

// run is a load under way.
type run struct {
	plan  Plan
	order []int // of the kinds of request, again and again
	open  func() slot
	start time.Time
	// mark is in every text that is to differ from all others, also from those of other loads.
	mark string

	next   atomic.Int64 // the request that is made next, from 0
	done   atomic.Int64
	failed atomic.Int64
	// spent is when no further request was there to be made, in nanoseconds since the start; 0 before.
	spent    atomic.Int64
	enough   atomic.Bool
	failures failures
}

// tally is what one slot counts.
type tally struct {
	result  Result
	served  map[int]int
	seconds []second
}

// Run makes the requests of a plan, and returns when all have ended or ctx is
// done, which cuts the requests in flight. Progress, where it is not nil, is called with
// the number of finished requests and of errors among them: by one goroutine, ten times a
// second and once at the end.
//
// A plan that no request can be made of has a result of errors alone; Plan.Check says so before.
func Run(ctx context.Context, target Target, plan Plan, progress func(done, failed int)) Result {
	open, err := prepare(target, &plan)
	if err != nil {
		count := max(plan.Requests, 1)
		return Result{Errors: count, Failures: []Failure{{Text: oneLine(err.Error()), Count: count}}}
	}
	r := &run{plan: plan, order: mix.Order(plan.Mix), open: open, mark: strconv.FormatInt(time.Now().UnixNano(), 36)}
	stopReport := r.report(progress)
	tallies := make([]tally, min(plan.Connections, plan.Requests))
	var slots sync.WaitGroup
	r.start = time.Now()
	stopWatch := r.watch()
	for i := range tallies {
		slots.Go(func() { tallies[i] = r.slot(ctx) })
	}
	slots.Wait()
	stopWatch()
	elapsed := time.Since(r.start)
	stopReport()

	total := Result{Elapsed: elapsed, Served: make(map[int]int)}
	for _, t := range tallies {
		total.add(&t)
	}
	total.count(tallies, time.Duration(r.spent.Load()))
	total.Failures = r.failures.list()
	return total
}

func prepare(target Target, plan *Plan) (func() slot, error) {
	if err := plan.Check(); err != nil {
		return nil, err
	}
	return target.prepare(plan)
}

// report calls progress until stop, which waits for the last call.
func (r *run) report(progress func(done, failed int)) (stop func()) {
	if progress == nil {
		return func() {}
	}
	quit := make(chan struct{})
	var reporter sync.WaitGroup
	reporter.Go(func() {
		ticker := time.NewTicker(progressPeriod)
		defer ticker.Stop()
		for last := false; !last; {
			select {
			case <-ticker.C:
			case <-quit:
				last = true
			}
			progress(int(r.done.Load()), int(r.failed.Load()))
		}
	})
	return func() {
		close(quit)
		reporter.Wait()
	}
}

// watch asks after each second whether it is enough, until stop, which waits for the last question.
func (r *run) watch() (stop func()) {
	if r.plan.Enough == nil {
		return func() {}
	}
	quit := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		before := int64(0)
		for number := 0; ; number++ {
			select {
			case <-ticker.C:
			case <-quit:
				return
			}
			right := r.done.Load() - r.failed.Load()
			if r.plan.Enough(number, int(right-before)) {
				r.enough.Store(true)
				return
			}
			before = right
		}
	})
	return func() {
		close(quit)
		watching.Wait()
	}
}

// take returns the number of the next request, and false where there is none.
func (r *run) take() (int64, bool) {
	i := r.next.Add(1) - 1
	if i < int64(r.plan.Requests) && !r.enough.Load() {
		return i, true
	}
	r.spent.CompareAndSwap(0, int64(time.Since(r.start)))
	return 0, false
}

// slot makes one request after the other, until none is left or ctx is done.
func (r *run) slot(ctx context.Context) tally {
	t := tally{served: make(map[int]int)}
	v := newVisitor(&r.plan, r.open())
	defer v.close()
	for ctx.Err() == nil {
		i, ok := r.take()
		if !ok {
			break
		}
		due, ok := r.due(ctx, i)
		if !ok {
			break
		}
		kind := r.order[i%int64(len(r.order))]
		response, noted, began, err := v.request(ctx, kind, func() string { return r.mark + strconv.FormatInt(i, 36) })
		if r.plan.Rate == 0 {
			due = began // the tokens that it needed are no part of it
		}
		taken := time.Since(due)
		t.note(noted)
		if err != nil && ctx.Err() != nil {
			break
		}
		if text := failureText(&r.plan, kind, response, err); text != "" {
			r.failures.add(text, noted.stderr)
			r.failed.Add(1)
			t.result.Errors++
			t.second(time.Since(r.start)).errors++
		} else {
			now := t.second(time.Since(r.start))
			now.latencies = append(now.latencies, max(taken, 1).Seconds())
			t.result.OK++
			t.result.Bytes += response.Bytes
		}
		if pid, convErr := strconv.Atoi(response.Header.Get(PidHeader)); err == nil && convErr == nil && pid > 0 {
			t.served[pid]++
		}
		r.done.Add(1)
	}
	return t
}

// due waits for the time of request i where it is to come, and returns it: the latency counts from
// then. It is false when ctx ends the wait.
func (r *run) due(ctx context.Context, i int64) (time.Time, bool) {
	if r.plan.Rate == 0 {
		return time.Now(), true
	}
	at := dueAt(r.start, r.plan.Rate, i)
	wait := time.Until(at)
	if wait <= 0 {
		return at, true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return at, true
	case <-ctx.Done():
		return at, false
	}
}

// dueAt returns when a request is due. It is computed anew for each: a sum of intervals would add up their rounding.
func dueAt(start time.Time, rate float64, i int64) time.Time {
	return start.Add(time.Duration(float64(i) / rate * float64(time.Second)))
}

func (t *tally) note(n note) {
	t.result.Connects += n.connects
	if n.retried {
		t.result.Retried++
	}
	if t.result.StderrLines == 0 {
		t.result.StderrFirst = n.stderr
	}
	t.result.StderrLines += n.lines
}

// add sums up what one slot has counted.
func (r *Result) add(t *tally) {
	r.OK += t.result.OK
	r.Errors += t.result.Errors
	r.Bytes += t.result.Bytes
	r.Connects += t.result.Connects
	r.Retried += t.result.Retried
	if r.StderrLines == 0 {
		r.StderrFirst = t.result.StderrFirst
	}
	r.StderrLines += t.result.StderrLines
	for pid, n := range t.served {
		r.Served[pid] += n
	}
}
