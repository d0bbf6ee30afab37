//go:build linux

package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"launcher/preforker/control"
)

// waitingIn is what waits in one place and another.
func waitingIn(s control.Status) (waiting int) {
	for _, slot := range s.Slots {
		if slot.Queue != nil {
			waiting += *slot.Queue
		}
	}
	if s.Front != nil {
		waiting += s.Front.Waiting
	}
	return waiting
}

// TestStatusTellsTheQueue: where all workers are stuck, whatever waits is counted, once: connections at the sockets of the slots, and
// requests in the HTTP front. It is what an autoscaler reads.
func TestStatusTellsTheQueue(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ports   int
		front   bool
		waiting [2]int // at the sockets of the slots
		asking  int    // in the front, beside those that are stuck
	}{
		"unix sockets":                  {waiting: [2]int{3, 2}},
		"ports":                         {waiting: [2]int{3, 2}, ports: 2},
		"the front":                     {asking: 7, front: true},
		"the front, and others with it": {waiting: [2]int{0, 2}, asking: 4, front: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const workers = 2
			root := writeApp(t, map[string]string{"config.ru": `run(lambda { |_env| sleep 0.01 until File.exist?("open"); [200, {}, []] })`})
			args := []string{fmt.Sprint(workers)}
			url := ""
			if test.front {
				port := freePort(t)
				url = fmt.Sprintf("http://127.0.0.1:%d/", port)
				args = append(args, "--http", fmt.Sprintf("127.0.0.1:%d", port))
			}
			in := start(t, startOptions{root: root, args: args, ports: test.ports}).serving()
			var asking sync.WaitGroup
			ask := func(count int) {
				for range count {
					asking.Go(func() {
						if got := fetch(client(), http.MethodGet, url, nil); got.err != nil || got.StatusCode != http.StatusOK {
							t.Errorf("%+v", got)
						}
					})
				}
			}
			var connected []*queued
			if test.front {
				ask(workers)
			} else {
				connected = append(connected, queue(t, in.socket(0), "/"), queue(t, in.socket(1), "/"))
			}
			in.statusWhen("all workers to be stuck", func(s control.Status) bool { return s.Workers.Busy == workers })
			ask(test.asking)
			for slot, count := range test.waiting {
				for range count {
					connected = append(connected, queue(t, in.socket(slot), "/"))
				}
			}
			want := test.waiting[0] + test.waiting[1] + test.asking
			status := in.statusWhen("all to wait", func(s control.Status) bool { return waitingIn(s) >= want })
			if status.Queue.Now != want || status.Queue.Max != want || status.Front != nil && status.Front.Waiting != test.asking {
				t.Errorf("%+v, the front has %+v, want %d", status.Queue, status.Front, want)
			}
			for slot, count := range test.waiting {
				if queue := status.Slots[slot].Queue; queue == nil || *queue != count {
					t.Errorf("slot %d: %v, want %d", slot, queue, count)
				}
			}
			write(t, filepath.Join(root, "open"), "")
			asking.Wait()
			for _, q := range connected {
				if got := q.answer(); got.status != http.StatusOK {
					t.Errorf("%+v", got)
				}
			}
			if status := in.status(); status.Queue.Now != 0 || status.Queue.Max != want {
				t.Errorf("afterwards: %+v", status.Queue)
			}
		})
	}
}
