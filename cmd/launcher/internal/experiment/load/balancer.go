package load

import "sync"

// balancer chooses the worker with the fewest requests of this load, in turn among equals: the
// first of them, which lighttpd chooses, would leave the last workers unused under light load.
type balancer struct {
	mu   sync.Mutex
	busy []int // requests at each worker
	next int   // where the search begins
}

func newBalancer(workers int) *balancer { return &balancer{busy: make([]int, workers)} }

func (b *balancer) take() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	best := b.next
	for i := range b.busy {
		if candidate := (b.next + i) % len(b.busy); b.busy[candidate] < b.busy[best] {
			best = candidate
		}
	}
	b.busy[best]++
	b.next = (best + 1) % len(b.busy)
	return best
}

func (b *balancer) release(worker int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy[worker]--
}
