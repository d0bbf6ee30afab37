package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// Level says how much a responder owes what is expected.
type Level string

// The levels. Where the specification leaves something open, several outcomes pass.
const (
	Must   Level = "must"   // the specification says so, or a responder would not live
	Should Level = "should" // what is safe, where the specification is silent
	May    Level = "may"    // a policy of the responder, which is told
)

// Case is one input, or one way to behave.
type Case struct {
	// ID is a number, and a name where several cases have that number.
	ID     string
	Title  string
	Source string // a section of the FastCGI Specification 1.0, an RFC, or a CVE
	Level  Level
	Expect string
	// Needs is what the probe application has to be able to do: a command of the contract. "" is nothing, so
	// that the case can be asked of any responder.
	Needs Command
	// Waits says that it waits for a time limit of the responder's own.
	Waits bool

	run func(*attempt) verdict
}

// Number is the part of the ID before the name.
func (c Case) Number() string {
	number, _, _ := strings.Cut(c.ID, "-")
	return number
}

// Cases returns all cases, in the order of their numbers.
func Cases() []Case {
	cases := slices.Concat(recordCases(), roleCases(), paramsCases(), pairCases(), environmentCases(), lengthCases(), bodyCases(),
		managementCases(), abortCases(), peerCases(), keptCases())
	slices.SortStableFunc(cases, func(a, b Case) int { return number(a) - number(b) })
	return cases
}

func number(c Case) (n int) {
	for _, digit := range c.Number() {
		n = 10*n + int(digit-'0')
	}
	return n
}

// Select returns the cases with these IDs, or with these numbers, in the order of all.
func Select(cases []Case, ids []string) ([]Case, error) {
	if len(ids) == 0 {
		return cases, nil
	}
	for _, id := range ids {
		if !slices.ContainsFunc(cases, func(c Case) bool { return c.ID == id || c.Number() == id }) {
			return nil, fmt.Errorf("select cases: there is no case %q", id)
		}
	}
	var selected []Case
	for _, c := range cases {
		if slices.Contains(ids, c.ID) || slices.Contains(ids, c.Number()) {
			selected = append(selected, c)
		}
	}
	return selected, nil
}
