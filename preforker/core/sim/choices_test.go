package sim

import "math/rand/v2"

// choices are all that differs between two histories: numbers that are drawn from a seed and remembered, or given. A
// number that is not given is 0, for which every question has its most harmless reply: so a
// history becomes simpler when a part of its choices is left out.
type choices struct {
	random *rand.Rand // nil: the choices are given
	made   []uint16
	next   int
}

func newChoices(seed uint64) *choices {
	return &choices{random: rand.New(rand.NewPCG(seed, 10))}
}

func givenChoices(made []uint16) *choices { return &choices{made: made} }

// below draws a number from 0 to n-1.
func (c *choices) below(n int) int {
	if c.random != nil {
		drawn := c.random.IntN(n)
		c.made = append(c.made, uint16(drawn))
		return drawn
	}
	if c.next >= len(c.made) {
		return 0
	}
	c.next++
	return int(c.made[c.next-1]) % n
}

// oneIn says yes once in n times, and never for the choice 0.
func (c *choices) oneIn(n int) bool { return n > 0 && c.below(n) == n-1 && n > 1 }

// shrink leaves out and simplifies choices for as long as the history that they make still fails, within
// so many tries.
func shrink(made []uint16, fails func([]uint16) bool, tries int) []uint16 {
	try := func(shorter []uint16) bool {
		if tries <= 0 {
			return false
		}
		tries--
		if !fails(shorter) {
			return false
		}
		made = shorter
		return true
	}
	for before := -1; before != len(made)+sum(made) && tries > 0; {
		before = len(made) + sum(made)
		for size := len(made) / 2; size > 0; size /= 2 {
			for at := 0; at+size <= len(made); {
				if !try(append(append([]uint16{}, made[:at]...), made[at+size:]...)) {
					at += size
				}
			}
		}
		for size := 8; size > 0; size /= 2 {
			for at := 0; at+size <= len(made); at += size {
				if sum(made[at:at+size]) == 0 {
					continue
				}
				simpler := append([]uint16{}, made...)
				clear(simpler[at : at+size])
				try(simpler)
			}
		}
		for at := range made {
			for at < len(made) && made[at] > 1 {
				simpler := append([]uint16{}, made...)
				simpler[at] /= 2
				if !try(simpler) {
					break
				}
			}
		}
	}
	return made
}

func sum(numbers []uint16) (total int) {
	for _, number := range numbers {
		total += int(number)
	}
	return total
}
