package core

// Hello is what a process that loads the application says before it does.
type Hello struct {
	Pid  int    `json:"pid"`
	Ruby string `json:"ruby"` // its version
}

// Load is the application as it was loaded.
type Load struct {
	Pid      int       `json:"pid"` // of who has loaded it
	Ruby     string    `json:"ruby"`
	Rails    string    `json:"rails"` // versions; "" without it
	Rack     string    `json:"rack"`
	Seconds  float64   `json:"seconds"`  // that loading took
	Findings []Finding `json:"findings"` // of a preloader
}

// Finding is something that stands in the way of forking, in words for a person. Parts that are not
// known are empty.
type Finding struct {
	Kind   string `json:"kind"`
	Text   string `json:"text"`
	Where  string `json:"where"`
	Advice string `json:"advice"`
}

// KindDeclared is the kind of a finding that the application tells of itself: this process is not
// to be the origin of others.
const KindDeclared = "declared"

// Declared says whether the application says so itself.
func (f Finding) Declared() bool { return f.Kind == KindDeclared }

// Refusal is why a worker did not refork: what was found in it, or an error.
type Refusal struct {
	Findings []Finding `json:"findings"`
	Error    *Failure  `json:"error"`
}
