//go:build linux

package main

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// statuses are how many responses had each status; those that broke off count as 0.
type statuses map[int]int

func (s statuses) failed() (n int) {
	for status, count := range s {
		if status != http.StatusOK {
			n += count
		}
	}
	return n
}

// crowd asks for a page until it is told to end, each of its members one request at a time.
type crowd struct {
	quit     chan struct{}
	wait     sync.WaitGroup
	mu       sync.Mutex
	statuses statuses
}

func startCrowd(members int, url string) *crowd {
	c := &crowd{quit: make(chan struct{}), statuses: statuses{}}
	for range members {
		c.wait.Go(func() {
			for {
				select {
				case <-c.quit:
					return
				case <-time.After(time.Millisecond): // a pace that leaves the machine to others
				}
				status := 0
				if got := fetch(client(), http.MethodGet, url, nil); got.err == nil {
					status = got.StatusCode
				}
				c.mu.Lock()
				c.statuses[status]++
				c.mu.Unlock()
			}
		})
	}
	return c
}

func (c *crowd) count(status int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.statuses[status]
}

// asked waits until so many more were served.
func (c *crowd) asked(t *testing.T, more int) {
	t.Helper()
	want := c.count(http.StatusOK) + more
	waitFor(t, "answers", func() bool { return c.count(http.StatusOK) >= want })
}

// end returns the statuses of all responses.
func (c *crowd) end() statuses {
	close(c.quit)
	c.wait.Wait()
	return c.statuses
}
