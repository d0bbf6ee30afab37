package wire

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"launcher/preforker/ident"
)

var key = ident.Key{Slot: 3, Generation: 2, Refork: 1, Serial: 17}

// fromSupervisor and fromRuby are every message there is, as the fixtures hold them.
var fromSupervisor = map[Type]any{
	TypeSpawn:   Spawn{Key: key, Record: 5, Probe: "release"},
	TypePrepare: Prepare{},
	TypeRetire:  Retire{Last: true},
	TypeRefork:  Refork{Origin: ident.Origin{Generation: 2, Refork: 1}, Checked: true},
	TypeDrain:   Drain{Backlog: true, HandOver: true},
	TypeLend:    Lend{Slots: []int{2, 3}},
	TypeReturn:  Return{},
	TypeReopen:  Reopen{},
	TypeAssign:  Assign{Slot: 3},
	TypeLocate:  Locate{},
}

var fromRuby = map[Type]any{
	TypeHello: Hello{Version: Version, Pid: 4242, Ruby: "3.1.2", Engine: "ruby", Fork: true},
	TypeLoaded: Loaded{Pid: 4242, Ruby: "3.1.2", Rails: "6.1.7", Rack: "2.2.6", Seconds: 1.25,
		Findings: []Finding{{Severity: SeverityHarm, Kind: "thread", Text: "boot started a thread that no worker will have: metrics",
			Where: "lib/metrics.rb:3", Cost: "what it does is not done in the workers", Advice: "start it in after_fork", Frames: []string{}}},
		Slots: map[string]int{"40": 155000}},
	TypePrepared: Prepared{Seconds: 0.25,
		Findings: []Finding{{Severity: SeverityHarm, Kind: "thread", Text: "boot started a thread that no worker will have: metrics",
			Where: "lib/metrics.rb:3", Cost: "what it does is not done in the workers", Advice: "start it in after_fork", Frames: []string{}}},
		Slots: map[string]int{"40": 155000}},
	TypeExamined: Examined{
		Findings: []Finding{{Severity: SeverityCost, Kind: "huge pages", Text: "transparent huge pages are always on",
			Cost: "a worker copies 2 MiB", Advice: "echo madvise", Frames: []string{}}},
		Measured: Measured{PSS: 78643200, LiveSlots: 412345, FreeSlots: 1200, ForkPrivate: 1458176}},
	TypeFailed: Failed{Stage: "load", Error: Failure{Class: "RuntimeError", Message: "no database – café",
		AppFrames: []string{"config/initializers/db.rb:3:in `block in <main>'"},
		Backtrace: []string{"/usr/lib/ruby/vendor_ruby/railties.rb:10:in `run'"}}},
	TypeSpawned: Spawned{Key: key, Pid: 4250},
	TypeSpawnFailed: SpawnFailed{Key: key, Error: Failure{Class: "Errno::EAGAIN",
		Message: "Resource temporarily unavailable - fork(2)", AppFrames: []string{}, Backtrace: []string{}}},
	TypeReady:   Ready{Key: key, Pid: 4250},
	TypeLeaving: Leaving{Key: key, Served: 12},
	TypeLocated: Located{Key: key, Threads: []Thread{{Name: "serving", State: "sleep",
		Frames: []string{"config.ru:3:in `sleep'", "config.ru:3:in `call'"}, LeftOut: 2}}},
	TypeRecycle:  Recycle{Key: key, Reason: "the report has left 2 GB behind"},
	TypeFirst:    First{Key: key, Status: 200, Request: "GET /posts"},
	TypeReforked: Reforked{Origin: ident.Origin{Generation: 2, Refork: 1}, Pid: 4260},
	TypeNotReforked: NotReforked{Origin: ident.Origin{Generation: 2, Refork: 1},
		Findings: []Finding{{Severity: SeverityHarm, Kind: "thread", Text: "a worker started a thread that no worker will have: metrics",
			Where: "lib/metrics.rb:3", Frames: []string{}}}},
}

func fixture(t *testing.T, kind Type) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "wire", string(kind)+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(text)
}

func TestDecodeFixtures(t *testing.T) {
	for kind, want := range fromRuby {
		got, err := Decode(fixture(t, kind))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, %v; want %#v", kind, got, err, want)
		}
	}
}

func TestEncodeFixtures(t *testing.T) {
	for kind, message := range fromSupervisor {
		packet, err := Encode(message)
		if err != nil || !json.Valid(packet) || !bytes.Equal(packet, fixture(t, kind)) {
			t.Errorf("%s: %s, %v; want %s", kind, packet, err, fixture(t, kind))
		}
	}
}

func TestEveryFixtureIsAMessage(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "testdata", "wire", "*.json"))
	if err != nil || len(files) != len(fromRuby)+len(fromSupervisor) {
		t.Errorf("%d fixtures, %v; want %d", len(files), err, len(fromRuby)+len(fromSupervisor))
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, packet := range []string{"", "{}", "[]", `{"type":"spawn"}`, `{"type":"ready","pid":"x"}`, "\xff"} {
		if got, err := Decode([]byte(packet)); err == nil {
			t.Errorf("%q: %#v, want an error", packet, got)
		}
	}
	if _, err := Encode(Ready{}); err == nil {
		t.Error("Encode took a worker's message")
	}
}

func FuzzDecode(f *testing.F) {
	for kind := range fromRuby {
		f.Add([]byte(`{"type":"` + string(kind) + `","slot":1}`))
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		if message, err := Decode(packet); (message == nil) == (err == nil) {
			t.Errorf("%q: %v and %v", packet, message, err)
		}
	})
}
