package ruby

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// The variables by which Ruby and its malloc are told at their start what cannot be
// told later. What the user has set stands.
const (
	varInitSlots = "RUBY_GC_HEAP_INIT_SLOTS" // until 3.2
	varMinRatio  = "RUBY_GC_HEAP_FREE_SLOTS_MIN_RATIO"
	varArenas    = "MALLOC_ARENA_MAX"
)

// poolInitSlots has a variable for each size of slots, from 3.3 on.
func poolInitSlots(pool int) string { return "RUBY_GC_HEAP_" + strconv.Itoa(pool) + "_INIT_SLOTS" }

// perPoolSince is the first Ruby that has them.
const perPoolSince = "3.3"

// spareSlots is what a heap has beyond the application's own objects, in percent. Requests
// fill it between two collections, so it is what each worker copies: twice as much
// costs each worker a fifth more memory, half of it one collection a request.
const spareSlots = 20

// What each size of slots has to spare at least: so many bytes, and this part of what all sizes
// together have. There are few large objects in an application that is loaded, and many in a
// request. Where a request fills all slots of one size while it still needs them, the collection
// that follows frees next to nothing and Ruby 3.3 answers with a major one (major_by: nofree): for
// ten workers of a small application that was twice the memory and twice the time. A page has 64
// kB.
const (
	minSpare     = 160 << 10
	minSparePart = 16
)

// With so little to spare the default (20 %) would answer every collection with a major one.
const minRatio = "0.02"

// environment is what Ruby is started with beside the process's own environment.
type environment struct {
	without []Optimization
	heap    heapRecord
	learned bool
	user    func(name string) (string, bool) // os.LookupEnv
}

// variables returns the names and values to add. The Ruby side removes them again
// at once: they are not meant for what the application starts.
func (e environment) variables() map[string]string {
	vars := map[string]string{}
	set := func(name, value string) {
		if _, taken := e.user(name); !taken {
			vars[name] = value
		}
	}
	if e.on(OptimizationHeapSize) && e.learned {
		e.sizeHeap(set)
	}
	if !e.on(OptimizationArena) {
		set(varArenas, "1")
	}
	return vars
}

func (e environment) on(optimization Optimization) bool {
	return !slices.Contains(e.without, optimization)
}

func (e environment) sizeHeap(set func(name, value string)) {
	sizes := make([]int, 0, len(e.heap.Slots))
	for text := range e.heap.Slots {
		size, err := strconv.Atoi(text)
		if err != nil || e.heap.Slots[text] < 0 {
			return // not written by this program
		}
		sizes = append(sizes, size)
	}
	slices.Sort(sizes)
	set(varMinRatio, minRatio)
	if olderThan(e.heap.Version, perPoolSince) {
		set(varInitSlots, e.slots(sizes[0], 0))
		return
	}
	bytes := 0
	for _, size := range sizes {
		bytes += size * e.live(size)
	}
	spare := max(minSpare, bytes*spareSlots/100/minSparePart)
	for pool, size := range sizes {
		set(poolInitSlots(pool), e.slots(size, spare))
	}
}

// slots are those for the live objects of a size, and to spare a part more, or as many as fill
// the bytes named if these are more.
func (e environment) slots(size, spare int) string {
	live := e.live(size)
	return strconv.Itoa(live + max(live*spareSlots/100, spare/max(size, 1)))
}

func (e environment) live(size int) int { return e.heap.Slots[strconv.Itoa(size)] }

// Variables are what a Ruby that is to be forked is started with beside the process's own
// environment: "NAME=value", sorted. The error says why nothing is known of its heap, which is no
// harm.
func Variables(without []Optimization, heap *HeapFile) ([]string, error) {
	env := environment{without: without, user: os.LookupEnv}
	var err error
	env.heap, env.learned, err = heap.read()
	var list []string
	for name, value := range env.variables() {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list, err
}

func namesOf(variables []string) string {
	names := make([]string, len(variables))
	for i, variable := range variables {
		names[i], _, _ = strings.Cut(variable, "=")
	}
	return strings.Join(names, "\n")
}
