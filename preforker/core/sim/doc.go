// Package sim is a simulated world for the core: tests, and nothing else.
//
// What always holds: a history follows from its choices alone (a seed, or a list of numbers), so it can be had again and made
// shorter; the clock is simulated, and there are no goroutines within a history; the world answers actions with
// the events that the supervisor and its processes can produce, in the orders in which they can, and no others; the checker
// knows only events and actions, nothing of the core's state.
//
// A history has two parts. First things go wrong: forks fail, workers and preloaders die, hang, are stopped or close
// their channels at any step, releases do not load or do not serve, sockets are lost, measurements jump,
// restarts and stops come at any moment. After each step the invariants hold (checker*_test.go). While a generation
// grows from seeds they say who serves the slots that have no worker, and what each is filled from (checker_seeds_test.go). Then the faults end, and within a
// bound of simulated time every slot serves the newest good generation and nobody else is there (liveness_test.go).
//
// TestReplay takes what a launcher has written with --record through the core again:
//
//	go test -run Replay ./preforker/core/sim -history /path/of/file
package sim
