package core

import "slices"

// Refork says when the next preloader is forked from a worker: same code, but with everything
// that its requests have built. Nothing is reforked with direct spawning.
type Refork struct {
	// After is how many requests one worker has served: the first time, the second, …
	After []uint64
	// Checked has a worker refuse where anything in it would not survive a fork.
	Checked bool
	// Worthwhile has a later one begin only where workers have grown by enough.
	Worthwhile bool
}

// autoAfter is After by default. The first requests build most of what requests build at all, so the first refork
// comes soon. The second has seen more of the application's pages, and what the first one's
// own start has left behind is shared again.
var autoAfter = []uint64{10, 60}

// AutoRefork is made only where it is safe.
func AutoRefork() Refork {
	return Refork{After: slices.Clone(autoAfter), Checked: true, Worthwhile: true}
}
