package sim

import (
	"time"

	"launcher/preforker/core"
)

// item is something that happens at a time: an event of the core, or a step of a process.
type item struct {
	at    time.Duration
	order int
	event core.Event
	do    func()
}

// queue is a heap.
type queue struct {
	items  []item
	order  int
	others int // that are not timers
}

func (q *queue) before(a, b int) bool {
	x, y := &q.items[a], &q.items[b]
	return x.at < y.at || x.at == y.at && x.order < y.order
}

func (q *queue) push(item item) {
	if !isTimer(item.event) {
		q.others++
	}
	q.order++
	item.order = q.order
	q.items = append(q.items, item)
	for i := len(q.items) - 1; i > 0; {
		up := (i - 1) / 2
		if !q.before(i, up) {
			break
		}
		q.items[i], q.items[up] = q.items[up], q.items[i]
		i = up
	}
}

func (q *queue) pop() item {
	top := q.items[0]
	if !isTimer(top.event) {
		q.others--
	}
	last := len(q.items) - 1
	q.items[0] = q.items[last]
	q.items[last] = item{}
	q.items = q.items[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if q.before(child, least) {
				least = child
			}
		}
		if least == i {
			return top
		}
		q.items[i], q.items[least] = q.items[least], q.items[i]
		i = least
	}
}

func isTimer(e core.Event) bool { _, timer := e.(core.TimerFired); return timer }
