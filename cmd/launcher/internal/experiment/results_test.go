package experiment

import (
	"encoding/json"
	"testing"

	"launcher/preforker/proc"
)

func TestSampleSums(t *testing.T) {
	var s Sample
	s.Add(Process{Pid: 1, Usage: proc.Usage{PSS: 1, Private: 2, RSS: 3, Swap: 4}})
	s.Add(Process{Pid: 2, Usage: proc.Usage{PSS: 10, Private: 20, RSS: 30, Swap: 40}})
	if want := (proc.Usage{PSS: 11, Private: 22, RSS: 33, Swap: 44}); s.Usage != want || s.Processes != 2 || len(s.Each) != 2 {
		t.Errorf("%+v of %d processes, want %+v", s.Usage, s.Processes, want)
	}
}

// The results of an experiment are shown to others.
func TestResultsDoNotSayWhereTheApplicationIs(t *testing.T) {
	app := App{Name: "shop", Environment: "production", Root: "/home/ann/shop", Entry: "config.ru", Ruby: "/home/ann/bin/ruby"}
	text, err := json.Marshal(app)
	if want := `{"name":"shop","environment":"production"}`; err != nil || string(text) != want {
		t.Errorf("%s, %v, want %s", text, err, want)
	}
}
