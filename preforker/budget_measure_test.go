package preforker

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"launcher/preforker/core"

	"launcher/preforker/ident"
	"launcher/preforker/internal/scoreboard"
	"launcher/preforker/linux"
)

// rubyWorker is a Ruby that serves a request, with so many kilobytes for it, for each line that it reads.
type rubyWorker struct {
	t     testing.TB
	pid   int
	stdin *os.File
	out   *os.File
}

func startRubyWorker(t testing.TB, board *os.File, record int) *rubyWorker {
	t.Helper()
	return startRuby(t, board, record, `
		require ARGV[0]
		record = PreforkLauncher::Scoreboard.new(IO.for_fd(3)).record(ARGV[1].to_i)
		record.idle
		kept = []
		$stdout.sync = true
		puts
		while (line = $stdin.gets)
			record.busy("GET", "/")
			kept << "k" * (line.to_i * 1024) if line.to_i > 0
			record.idle
			puts
		end`)
}

func startRuby(t testing.TB, board *os.File, record int, program string) *rubyWorker {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("..", "scripts", "scoreboard.rb"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ruby", "-e", program, script, "0")
	cmd.Args[len(cmd.Args)-1] = string(rune('0' + record))
	cmd.ExtraFiles = []*os.File{board}
	cmd.Stderr = os.Stderr
	in, stdin, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout = in, stdout
	if err := cmd.Start(); err != nil {
		t.Fatalf("ruby (install it: make deps): %v", err)
	}
	_ = in.Close()
	_ = stdout.Close()
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
		_ = out.Close()
	})
	w := &rubyWorker{t, cmd.Process.Pid, stdin, out}
	w.wait()
	return w
}

func (w *rubyWorker) wait() {
	w.t.Helper()
	if _, err := w.out.Read(make([]byte, 1)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *rubyWorker) serve(kilobytes string) {
	w.t.Helper()
	if _, err := w.stdin.WriteString(kilobytes + "\n"); err != nil {
		w.t.Fatal(err)
	}
	w.wait()
}

const mB = 1 << 20

func measuring(t testing.TB, budget uint64) (*measurer, *os.File, *[]notice) {
	t.Helper()
	board, err := linux.MemoryFile("board", 8*scoreboard.RecordSize)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = board.Close() })
	var posted []notice
	return newMeasurer(board, func(n notice) { posted = append(posted, n) }, budget, 0), board, &posted
}

// TestMeasurerReadsWhatCouldHaveGrown follows one worker: what it posts, and when it reads.
func TestMeasurerReadsWhatCouldHaveGrown(t *testing.T) {
	m, board, posted := measuring(t, 200*mB)
	ruby := startRubyWorker(t, board, 2)
	key := ident.Key{Slot: 1, Generation: 1, Serial: 7}
	m.watch(key, ruby.pid, 2)
	var ran time.Duration
	look := func() (found core.Measurement, any bool) {
		*posted = nil
		m.sample(false)
		if len(*posted) == 0 {
			return core.Measurement{}, false
		}
		got := (*posted)[0].(core.WorkersMeasured).Workers[0]
		if got.Runnable <= ran {
			t.Errorf("it had run for %v, and for %v now", ran, got.Runnable)
		}
		ran, got.Runnable = got.Runnable, 0 // which differs each time
		return got, true
	}
	m.set(1)
	if got, any := look(); any {
		t.Errorf("it has served nothing: %+v", got)
	}
	*posted = nil
	if m.sample(true); len(*posted) != 1 {
		t.Error("one that has served nothing is never looked at")
	}
	m.set(200 * mB)
	m.watch(key, ruby.pid, 2) // as at first
	ruby.serve("0")
	if got, _ := look(); got != (core.Measurement{Key: key, Served: 1}) {
		t.Errorf("served, and could not have grown: %+v", got)
	}
	ruby.serve("120000")
	got, _ := look()
	if got.Served != 2 || got.Private < 115*mB || got.Private > 160*mB {
		t.Errorf("grew by 117 MB: %d requests, %d MB", got.Served, got.Private/mB)
	}
	before := got.Private
	ruby.serve("1000")
	if got, _ = look(); got != (core.Measurement{Key: key, Private: before, Served: 3}) {
		t.Errorf("hardly grew, and was read again: %+v", got)
	}
	for range core.MinService {
		ruby.serve("0")
	}
	if got, _ = look(); got.Private == before {
		t.Error("its first requests are over, and it was not read")
	}
	m.forget(key)
	ruby.serve("0")
	if got, any := look(); any {
		t.Errorf("forgotten: %+v", got)
	}
}

// TestMeasurerOfTheGone: a process that has ended while it was watched is nobody's fault.
func TestMeasurerOfTheGone(t *testing.T) {
	m, board, posted := measuring(t, mB)
	ruby := startRubyWorker(t, board, 1)
	ruby.serve("1")
	m.watch(ident.Key{Serial: 1}, 1<<22+1, 1) // above the largest pid
	m.preloader(ident.Origin{Generation: 1}, 1<<22+1)
	m.sample(true)
	if len(*posted) != 1 { // the count of its requests is known
		t.Errorf("%+v", *posted)
	}
	m.preloader(ident.Origin{Generation: 2}, ruby.pid)
	*posted = nil
	m.sample(false)
	if len(*posted) != 1 {
		t.Fatalf("%+v", *posted)
	}
	if e, ok := (*posted)[0].(core.PreloaderMeasured); !ok || e.Origin != (ident.Origin{Generation: 2}) || e.Preloader < mB || e.Launcher < mB {
		t.Errorf("%+v", *posted)
	}
}

// BenchmarkLook is a pass over 100 workers that have all served since the last one.
func BenchmarkLook(b *testing.B) {
	m, board, _ := measuring(b, 100*mB)
	ruby := startRubyWorker(b, board, 1)
	ruby.serve("1")
	for serial := range 100 {
		m.watch(ident.Key{Serial: serial}, ruby.pid, 1)
	}
	for b.Loop() {
		for _, w := range m.workers {
			w.served = 0
		}
		m.sample(false)
	}
}
