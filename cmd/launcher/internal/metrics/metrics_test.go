package metrics

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"launcher/preforker/control"
	"launcher/preforker/proc"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

// everything is a status that has each figure: in the middle of a restart, with a slot that has failed and another one that is removed.
func everything() control.Status {
	at := time.Unix(1_700_000_100, 0)
	loaded, queue := at.Add(-90*time.Second), 3
	memory := func(private, shared uint64) *control.ProcessMemory {
		return &control.ProcessMemory{Usage: proc.Usage{PSS: private + shared/4, Private: private, RSS: private + shared}, Shared: shared}
	}
	return control.Status{
		Version: control.StatusVersion, Time: at, Launcher: "1.2.3", Pid: 42, Started: at.Add(-100 * time.Second), State: "running",
		Readiness: control.Readiness{Ready: true, State: "running", Slots: 4, Served: 3}, Root: "/srv/shop", SocketDir: "/run/shop", SpawnMethod: "smart",
		Memory: control.MemoryStatus{PSS: 90 << 20, Processes: 6, Measured: 5, Seconds: 0.5, Launcher: memory(8<<20, 0),
			Bound: &control.MemoryBound{Total: 200 << 20, Each: 20 << 20}, Limit: &control.MemoryLimit{Bytes: 1 << 30}},
		Generations: []control.GenerationStatus{
			{Generation: 1, Loaded: &loaded, LoadTime: 2.5, Ruby: "3.4.1", Rails: "8.0.1", Rack: "3.1.8",
				Preloaders: []control.PreloaderStatus{{Memory: memory(4<<20, 40<<20)}, {Refork: 1, Memory: memory(4<<20, 40<<20)}, {Refork: 2}}},
			{Generation: 2, Held: &control.HeldStatus{}, Preloaders: []control.PreloaderStatus{{State: "loading"}}}},
		FailedLoad: &control.FailedLoad{},
		Slots: []control.SlotStatus{
			{Slot: 0, State: "occupied", Queue: &queue, QueueMax: 7, Served: 1000, Restarts: map[string]uint64{"crashed": 1, "reached its age": 2},
				Workers: []control.WorkerStatus{{Generation: 1, State: "draining", Request: &control.RequestStatus{Seconds: 30}, Served: 600},
					{Generation: 2, State: "busy", Served: 400, CPU: 12.5, Last: 0.25, Longest: 3, Memory: memory(12<<20, 48<<20),
						Request: &control.RequestStatus{Method: "GET", Path: "/carts/7", Seconds: 1.5}, Collections: &control.CollectionStatus{Share: 0.02}}}},
			{Slot: 1, State: "occupied", Served: 20, Workers: []control.WorkerStatus{{Generation: 1, State: "idle", Served: 20, Last: 0.1, Longest: 0.1, Memory: memory(10<<20, 48<<20)}}},
			{Slot: 2, State: "failed", Failed: &control.SlotFailure{}},
			{Slot: 3, State: control.LentSlot},
			{Slot: 3, State: control.RemovedSlot, Workers: []control.WorkerStatus{{Generation: 1, State: "killing"}}, Restarts: map[string]uint64{"crashed": 1}},
		},
		Collections: &control.CollectionStatus{Share: 0.03}, Spare: &control.WorkerStatus{State: "spare"},
		Front: &control.FrontStatus{Connections: 5, MaxConnections: 2048, Waiting: 3, Accepted: 4711, Evicted: 7, Handshakes: 1,
			Refused:    []control.RefusedStatus{{Code: 400, Reason: "malformed"}, {Code: 503, Reason: "no worker was free", Count: 12}, {Code: 503, Reason: "stopping", Count: 1}},
			Unanswered: map[string]uint64{"client left": 3, "made room": 0}},
		Workers: control.WorkersStatus{Configured: 2, Min: 4, Max: 4, Ready: 2, Busy: 2, MaxBusy: 4},
		Requests: control.RequestsStatus{Accepted: 1025, Served: 1020, Errors: 4, Slow: 2,
			Duration:  control.Histogram{Bounds: []float64{0.1, 1, 10}, Counts: []uint64{900, 100, 19, 1}, Sum: 250.5, Count: 1020},
			QueueTime: control.Histogram{Bounds: []float64{0.001, 0.1}, Counts: []uint64{5, 0, 2}, Sum: 1.5, Count: 7}},
		Restarts: map[string]uint64{"crashed": 2, "reached its age": 2}, Queue: control.QueueStatus{Now: 3, Max: 9}, Reforks: 2, Releases: 1, FailedLoads: 1,
	}
}

func sourceOf(status control.Status) Source {
	return func(context.Context) (control.Status, error) { return status, nil }
}

func allCompat() Compat { return Compat(CompatNames()) }

// scrape asks a handler as a client that accepts a type.
func scrape(t *testing.T, handler http.Handler, accept string) (status int, kind, text string) {
	t.Helper()
	request, answer := httptest.NewRequest(http.MethodGet, "/metrics", nil), httptest.NewRecorder()
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	handler.ServeHTTP(answer, request)
	return answer.Code, answer.Header().Get("Content-Type"), answer.Body.String()
}

const openMetrics = "application/openmetrics-text; version=1.0.0"

// TestMetrics compares all that is told of a status in which there is everything, in both formats.
func TestMetrics(t *testing.T) {
	handler := Handler(sourceOf(everything()), allCompat())
	for file, accept := range map[string]string{"text": "", "openmetrics": openMetrics} {
		status, kind, text := scrape(t, handler, accept)
		if status != http.StatusOK || strings.HasPrefix(kind, "application/openmetrics-text") != (accept != "") {
			t.Errorf("%s: %d %s", file, status, kind)
		}
		golden := filepath.Join("testdata", file)
		if *update {
			if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if text != string(want) {
			t.Errorf("%s is not what -update would write:\n%s", golden, text)
		}
	}
}

// TestUnmeasuredWorker: what is not known of it is left out. A counter that is 0 for one scrape is taken for one that has begun anew.
func TestUnmeasuredWorker(t *testing.T) {
	status := everything()
	status.Slots[0].Workers[1].CPU, status.Slots[0].Workers[1].Memory = 0, nil
	_, _, text := scrape(t, Handler(sourceOf(status), nil), "")
	for _, name := range []string{"launcher_worker_cpu_seconds_total", "launcher_worker_private_bytes", "launcher_worker_shared_bytes"} {
		if strings.Contains(text, name+`{slot="0"}`) || !strings.Contains(text, name+`{slot="1"}`) {
			t.Errorf("%s is told of the worker that was not measured, or not of the other one", name)
		}
	}
}

// gathered has the registry of Prometheus' client check the metrics of a status.
func gathered(status control.Status, families []family) prometheus.Gatherer {
	return prometheus.Gatherers{prometheus.GathererFunc(func() (all []*dto.MetricFamily, err error) {
		for _, f := range families {
			if metrics := f.metrics(&status); metrics != nil {
				all = append(all, metrics)
			}
		}
		return all, nil
	})}
}

// TestMetricsAreSound: no series comes twice, names and types are as Prometheus wants them, also of a launcher that has just begun.
func TestMetricsAreSound(t *testing.T) {
	for name, status := range map[string]control.Status{"everything": everything(), "nothing": {State: "loading"}} {
		problems, err := testutil.GatherAndLint(gathered(status, families()))
		if err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %+v", name, err, problems)
		}
		for server, families := range map[string][]family{CompatPuma: pumaFamilies(), CompatPHPFPM: fpmFamilies()} {
			problems, err = testutil.GatherAndLint(gathered(status, families))
			if err != nil || slices.ContainsFunc(problems, func(p promlint.Problem) bool { return p.Metric != "puma_requests_count" }) { // their name for it
				t.Errorf("%s: %s: %v, %+v", name, server, err, problems)
			}
		}
	}
}

// TestFailedScrape has no half of a status.
func TestFailedScrape(t *testing.T) {
	failing := func(context.Context) (control.Status, error) {
		return everything(), errors.New("the launcher is ending")
	}
	if status, _, text := scrape(t, Handler(failing, nil), ""); status != http.StatusServiceUnavailable || text != "ask for the status: the launcher is ending\n" {
		t.Errorf("%d %q", status, text)
	}
}

// TestScrapeOfAStuckLauncher ends by itself, as a scraper has its own time.
func TestScrapeOfAStuckLauncher(t *testing.T) {
	stuck := func(ctx context.Context) (control.Status, error) {
		<-ctx.Done()
		return control.Status{}, context.Cause(ctx)
	}
	if status, _, text := scrape(t, Handler(stuck, nil), ""); status != http.StatusServiceUnavailable {
		t.Errorf("%d %q", status, text)
	}
}

// TestCompatIsAskedFor: the names of others are there only then.
func TestCompatIsAskedFor(t *testing.T) {
	for _, test := range []struct {
		compat       Compat
		puma, phpFPM bool
	}{{nil, false, false}, {Compat{CompatPuma}, true, false}, {Compat{CompatPHPFPM}, false, true}, {allCompat(), true, true}} {
		_, _, text := scrape(t, Handler(sourceOf(everything()), test.compat), "")
		if strings.Contains(text, "\npuma_workers 4\n") != test.puma || strings.Contains(text, "\nphpfpm_up{") != test.phpFPM || !strings.Contains(text, "\nlauncher_ready 1\n") {
			t.Errorf("%q:\n%s", test.compat, text)
		}
	}
}

func TestParseCompat(t *testing.T) {
	if got, err := ParseCompat([]string{"puma", "php-fpm", "puma"}); err != nil || !slices.Equal(got, Compat{"php-fpm", "puma"}) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := ParseCompat([]string{"puma", "unicorn"}); err == nil || err.Error() != `"unicorn" is neither puma nor php-fpm` {
		t.Errorf("%v", err)
	}
}

// TestSlotsThatHaveTheNumberOfARemovedOne are told of once: a series that comes twice would fail the scrape.
func TestSlotsThatHaveTheNumberOfARemovedOne(t *testing.T) {
	_, _, text := scrape(t, Handler(sourceOf(everything()), allCompat()), "")
	for _, series := range []string{`launcher_slot_up{slot="3"} 1`, `puma_running{index="3"} 1`} {
		if strings.Count(text, "\n"+series+"\n") != 1 {
			t.Errorf("%s comes %d times", series, strings.Count(text, series))
		}
	}
	if strings.Contains(text, `slot="3",reason`) || strings.Contains(text, `reason="crashed",slot="3"`) {
		t.Errorf("restarts of the removed slot:\n%s", text)
	}
}
