//go:build linux

package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// clusterOutcome is what became of a request.
type clusterOutcome struct {
	id     int
	method string
	status int    // 0: no response, or one that broke off
	text   string // of an error
	during string // what happened when it ended
	took   time.Duration
}

// clusterLoad makes requests one after the other, a POST after each third GET, each with a number of its own.
type clusterLoad struct {
	t        *testing.T
	url      string
	quit     chan struct{}
	wait     sync.WaitGroup
	mu       sync.Mutex
	next     int
	doing    map[int]bool // the requests under way
	during   string
	phases   []string
	outcomes []clusterOutcome
}

// loadVisitors are fewer than the workers of two hosts.
const loadVisitors = 6

func startClusterLoad(t *testing.T, url string) *clusterLoad {
	l := &clusterLoad{t: t, url: url, quit: make(chan struct{}), doing: map[int]bool{}}
	pause := time.Duration(0)
	if *clusterRequests < fewRequests {
		pause = 20 * time.Millisecond
	}
	for range loadVisitors {
		client := client()
		l.wait.Go(func() {
			for {
				select {
				case <-l.quit:
					return
				case <-time.After(pause): // which leaves the machine to others
				}
				l.ask(client)
			}
		})
	}
	return l
}

func (l *clusterLoad) ask(client *http.Client) {
	l.mu.Lock()
	l.next++
	o := clusterOutcome{id: l.next, method: http.MethodGet}
	l.doing[o.id] = true
	l.mu.Unlock()
	if o.id%4 == 0 {
		o.method = http.MethodPost
	}
	began := time.Now()
	got := fetch(client, o.method, fmt.Sprintf("%s/?%d", l.url, o.id), nil)
	switch {
	case got.err != nil:
		o.text = got.err.Error()
	case got.StatusCode == http.StatusOK && got.body != fmt.Sprint(o.id):
		o.text = fmt.Sprintf("the response to %q", got.body)
	default:
		o.status = got.StatusCode
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.doing, o.id)
	o.during, o.took = l.during, time.Since(began)
	l.outcomes = append(l.outcomes, o)
}

// phase has what comes now be called by a name.
func (l *clusterLoad) phase(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.during = name
	if !slices.Contains(l.phases, name) {
		l.phases = append(l.phases, name)
	}
}

func (l *clusterLoad) ended() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.outcomes)
}

// asked waits until so many more have ended.
func (l *clusterLoad) asked(more int) {
	l.t.Helper()
	want := l.ended() + more
	waitFor(l.t, "responses", func() bool { return l.ended() >= want })
}

// settled waits until all requests that are under way now have ended.
func (l *clusterLoad) settled() {
	l.t.Helper()
	l.mu.Lock()
	before := slices.Collect(maps.Keys(l.doing))
	l.mu.Unlock()
	waitFor(l.t, "the end of the requests under way", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return !slices.ContainsFunc(before, func(id int) bool { return l.doing[id] })
	})
}

func (l *clusterLoad) end() {
	close(l.quit)
	l.wait.Wait()
}

// lost are the requests of a method that failed in a phase.
func (l *clusterLoad) lost(method, during string) (lost []clusterOutcome) {
	for _, o := range l.outcomes {
		if o.method == method && o.during == during && o.status != http.StatusOK {
			lost = append(lost, o)
		}
	}
	return lost
}

// table is what became of all requests, for reading.
func (l *clusterLoad) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d requests\n", len(l.outcomes))
	for _, during := range l.phases {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			counts, slowest := map[string]int{}, time.Duration(0)
			for _, o := range l.outcomes {
				if o.method == method && o.during == during {
					counts[strings.TrimSpace(fmt.Sprint(o.status, " ", o.text))]++
					slowest = max(slowest, o.took)
				}
			}
			fmt.Fprintf(&text, "%-34s %-4s", during, method)
			for _, what := range slices.Sorted(maps.Keys(counts)) {
				fmt.Fprintf(&text, "  %d of %s", counts[what], what)
			}
			fmt.Fprintf(&text, "  slowest %.1f s\n", slowest.Seconds())
		}
	}
	return text.String()
}
