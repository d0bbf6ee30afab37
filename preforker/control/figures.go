package control

// WorkersStatus is how many workers there are, and should be. The spare is none of them.
type WorkersStatus struct {
	Configured int `json:"configured"`
	Min        int `json:"min"` // that stay when nothing is to be done
	Max        int `json:"max"` // that there can be
	Ready      int `json:"ready"`
	Busy       int `json:"busy"`     // with a request in hand, also while they leave
	MaxBusy    int `json:"max_busy"` // at the same time, as far as it was seen
}

// RequestsStatus counts requests since the launcher has started, by all workers that there are and were.
type RequestsStatus struct {
	Accepted  uint64    `json:"accepted"` // taken by a worker: served, in hand, or lost with their worker
	Served    uint64    `json:"served"`   // to their end
	Errors    uint64    `json:"errors"`   // responses with 500 and more
	Slow      uint64    `json:"slow"`     // over the bound of the slow log
	Duration  Histogram `json:"duration"` // of a request, to the end of its response
	QueueTime Histogram `json:"queue_time"`
}

// QueueStatus is how many connections and requests wait for a worker: those at the sockets of all slots, and those in the front.
type QueueStatus struct {
	Now int `json:"now"`
	Max int `json:"max"` // as far as it was seen
}

// Histogram is how often something lasted how long. Times are in seconds.
type Histogram struct {
	Bounds []float64 `json:"bounds"` // upper ones, inclusive
	Counts []uint64  `json:"counts"` // of each bound alone, and at the end those above all bounds
	Sum    float64   `json:"sum"`
	Count  uint64    `json:"count"`
}
