package conformance

// Outcome is how a case went.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// Result is a case with what came back.
type Result struct {
	Case    Case
	Outcome Outcome
	Got     string
	Seconds float64
}

// Count is how many cases had each outcome.
type Count struct {
	Passed, Failed, Skipped int
}

// Add counts one more.
func (c *Count) Add(outcome Outcome) {
	switch outcome {
	case Passed:
		c.Passed++
	case Failed:
		c.Failed++
	case Skipped:
		c.Skipped++
	}
}

// verdict is what a case says of itself.
type verdict struct {
	outcome Outcome
	got     string
}

func passed(got string) verdict  { return verdict{Passed, got} }
func failed(got string) verdict  { return verdict{Failed, got} }
func skipped(why string) verdict { return verdict{Skipped, why} }

// when passes where a condition holds.
func when(holds bool, got string) verdict {
	if holds {
		return passed(got)
	}
	return failed(got)
}
