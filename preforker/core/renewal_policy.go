package core

import "time"

// Renewal says when a worker has served for long enough, so that a fork takes its place. A
// fork shares everything with the preloader again. Direct spawning has none: a worker that
// loads the application by itself would come back as large as it was.
type Renewal struct {
	Budget      Budget
	MaxRequests uint64 // that one worker serves, less up to an eighth by chance; 0: any number
}

// Budget bounds the private memory of a worker: what nobody shares with it.
type Budget struct {
	Auto  bool   // chosen from what requests turn out to need
	Bytes uint64 // where it is not chosen; 0: no bound
}

// bounded says whether there is a bound at all.
func (b Budget) bounded() bool { return b.Auto || b.Bytes > 0 }

func (r Renewal) renews() bool { return r.Budget.bounded() || r.MaxRequests > 0 }

const bytesPerMB = 1 << 20

// Bounds of a budget that is chosen.
const (
	// minBudget: below it a worker has hardly more than its stacks and the pages that any
	// request of any application writes to.
	minBudget = 8 * bytesPerMB
	// budgetRoom is the least that an application may have where it needs it, whatever
	// the size of its preloader.
	budgetRoom = 64 * bytesPerMB
	// AimedService is how many requests a worker should serve. A fork costs 15 to 40 ms
	// of a CPU with everything that it writes anew, so at 100 requests of 3 ms it is a tenth, and less for
	// applications that have more to do.
	AimedService = 100
	// MinService is how many requests a worker serves before it is replaced, however small the
	// budget is, until it turns out to be too small: then twice as many, up to maxService, and for
	// minServiceTime at least, where requests are fast.
	MinService     = 8
	maxService     = 64
	minServiceTime = 2 * time.Second
	// provenService is how many requests it takes to tell how a worker grows.
	provenService = 4 * MinService
)

// provisional is the budget before anything is known but the preloader's size.
func provisional(preloader, highest uint64) uint64 {
	return clampBudget(preloader/2, highest)
}

// maxBudget bounds a budget that is chosen: by the preloader's size, so that one request in a hundred
// that needs a lot does not make room for it in all workers, and by the memory that there is.
func maxBudget(preloader, limit uint64, workers int) uint64 {
	highest := max(budgetRoom, preloader)
	if limit == 0 {
		return highest
	}
	// A tenth is left to others, and to what a replacement needs for a moment.
	usable := limit - limit/10
	usable -= min(usable, preloader)
	return min(highest, usable/uint64(workers))
}

// clampBudget keeps a budget within its bounds. It rounds up to whole megabytes, which is what is printed.
func clampBudget(bytes, highest uint64) uint64 {
	bytes = max(bytes, minBudget)
	bytes = (bytes + bytesPerMB - 1) / bytesPerMB * bytesPerMB
	return max(min(bytes, highest), bytesPerMB)
}
