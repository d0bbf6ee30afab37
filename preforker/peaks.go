package preforker

import (
	"sync"

	"launcher/preforker/control"
)

// peaks are the highest numbers that were seen, once a second and with each status. What comes and goes between is not among them.
type peaks struct {
	mu     sync.Mutex
	busy   int         // workers with a request in hand
	queue  int         // what waits for a worker, in all queues
	queues map[int]int // those in one, by slot
}

func (p *peaks) noteBusy(workers int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy = max(p.busy, workers)
}

// noteQueues takes the lengths of the queues, by the inodes of the sockets, those of the slots in their order, and how many requests
// wait in the front.
func (p *peaks) noteQueues(inodes []uint64, lengths map[uint64]int, front int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum := front
	for slot, inode := range inodes {
		length := lengths[inode]
		if inode == 0 || length == 0 {
			continue
		}
		sum += length
		if p.queues == nil {
			p.queues = map[int]int{}
		}
		p.queues[slot] = max(p.queues[slot], length)
	}
	p.queue = max(p.queue, sum)
}

// addTo completes a status that has what there is now, which counts.
func (p *peaks) addTo(status *control.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	status.Workers.MaxBusy, status.Queue.Max = p.busy, p.queue
	for i := range status.Slots {
		status.Slots[i].QueueMax = p.queues[status.Slots[i].Slot]
	}
}
