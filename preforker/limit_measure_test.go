package preforker

import (
	"os"
	"testing"

	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
)

// holdingRuby is a Ruby with a request in hand, that runs each line it reads.
const holdingRuby = `
	require ARGV[0]
	record = PreforkLauncher::Scoreboard.new(IO.for_fd(3)).record(ARGV[1].to_i)
	record.busy("GET", "/grow")
	kept = []
	$stdout.sync = true
	puts
	while (line = $stdin.gets)
		eval(line)
		puts
	end`

// overLimit says of which request the measurer finds that its worker has passed the limit, and with how much.
func overLimit(m *measurer, posted *[]notice) (request string, own uint64) {
	*posted = nil
	m.sample(false)
	for _, n := range *posted {
		for _, w := range n.(core.WorkersMeasured).Workers {
			request, own = w.Request, w.Own
		}
	}
	return request, own
}

// TestMeasurerSeesGrowthInTheMiddleOfARequest.
func TestMeasurerSeesGrowthInTheMiddleOfARequest(t *testing.T) {
	m, board, posted := measuring(t, 0)
	m.limit = 150 * mB
	ruby := startRuby(t, board, 3, holdingRuby)
	m.watch(ident.Key{Serial: 1}, ruby.pid, 3)
	if request, own := overLimit(m, posted); request != "" || own > 100*mB {
		t.Errorf("at first: %q with %d MB", request, own/mB)
	}
	ruby.serve(`kept << "k" * 60_000_000`)
	if request, own := overLimit(m, posted); request != "" {
		t.Errorf("below it: %q with %d MB", request, own/mB)
	}
	ruby.serve(`kept << "k" * 120_000_000`)
	if request, own := overLimit(m, posted); request != "GET /grow" || own < 150*mB || own > 300*mB {
		t.Errorf("beyond it: %q with %d MB", request, own/mB)
	}
}

// TestMeasurerTellsWhatOthersLetGoOfFromGrowth: the last of many that share the application has all of it, which no request has done.
func TestMeasurerTellsWhatOthersLetGoOfFromGrowth(t *testing.T) {
	m, board, posted := measuring(t, 0)
	m.limit = 80 * mB
	ruby := startRuby(t, board, 4, holdingRuby)
	ruby.serve(`kept << "k" * 120_000_000; $other = fork { sleep }`)
	m.watch(ident.Key{Serial: 1}, ruby.pid, 4)
	if request, own := overLimit(m, posted); request != "" || own > 50*mB {
		t.Fatalf("what it shares is its own: %d MB", own/mB)
	}
	ruby.serve(`Process.kill(:KILL, $other); Process.wait($other)`)
	m.budget = 1 // so that it is read in any case
	ruby.serve(`kept << "k" * 10_000_000`)
	if request, own := overLimit(m, posted); request != "" {
		t.Errorf("%q has %d MB of its own", request, own/mB)
	}
	if private := m.workers[ident.Key{Serial: 1}].private; private < 110*mB {
		t.Errorf("it shares %d MB with nobody", private/mB)
	}
	ruby.serve(`kept << "k" * 90_000_000`)
	if request, own := overLimit(m, posted); request != "GET /grow" {
		t.Errorf("%q has %d MB of its own", request, own/mB)
	}
}

// TestMeasurerReadsAgainWhatWasHalfWritten, though its sequence was the new one already.
func TestMeasurerReadsAgainWhatWasHalfWritten(t *testing.T) {
	board := make(boardOf, 2*scoreboard.RecordSize)
	var posted []notice
	m := newMeasurer(board, func(n notice) { posted = append(posted, n) }, 0, 0)
	m.watch(watchedKey, os.Getpid(), 1)
	board.write(1, scoreboard.Idle, 0)
	m.sample(false)
	record := board[scoreboard.RecordSize:]
	record[0]++ // a write begins
	m.sample(false)
	board[scoreboard.RecordSize]--
	board.write(1, scoreboard.Idle, 1) // and is whole
	if m.sample(false); len(posted) != 1 || posted[0].(core.WorkersMeasured).Workers[0].Served != 1 {
		t.Errorf("%+v", posted)
	}
	if m.sample(false); len(posted) != 1 {
		t.Errorf("nothing has changed: %+v", posted)
	}
}
