//go:build linux

package main

import (
	"encoding/json"
	"syscall"
	"testing"
)

// records are the lines of standard error, each of which must be a JSON object.
func (in *instance) records() (records []map[string]any) {
	in.t.Helper()
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, line := range in.lines {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			in.t.Errorf("%q is no JSON object: %v", line, err)
		}
		records = append(records, record)
	}
	return records
}

// TestJSONLog: from the first warning to the end every line is an object, with what would be a table on a terminal.
func TestJSONLog(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"config.ru": `
$stderr.puts "\e[33mlooking\e[0m around\u{9b}2J"
run ->(_env) { [200, {}, ["hello"]] }
`})
	in := start(t, startOptions{root: root, args: []string{"1", "--log-format", "json", "--http", "127.0.0.1:0", "--drain-timeout", "1500ms"},
		env: []string{"LAUNCHER_SOKET_DIR=/x", "LAUNCHER_WARMUP_COUNT=2", "LAUNCHER_SEED_TIME=1s"}})
	in.waitLine(`"all workers are ready"`)
	in.signal(syscall.SIGTERM)
	in.gone(0)
	want := map[string]func(map[string]any) bool{
		"the environment variable LAUNCHER_SOKET_DIR is none of the launcher's; did you mean LAUNCHER_SOCKET_DIR?": nil,
		"no effect without --warmup: --warmup-count":                                                               nil,
		"no effect with --refork-after never: --seed-time":                                                         nil,
		"the application printed":                                                                                  func(r map[string]any) bool { return r["line"] == `looking around\u009b2J` },
		"all workers are ready": func(r map[string]any) bool {
			url, _ := r["url"].(string)
			return r["workers"] == 1.0 && len(url) > len("http://127.0.0.1:0/")
		},
		"stopping": func(r map[string]any) bool { return r["timeout_seconds"] == 1.5 },
	}
	for _, record := range in.records() {
		message, _ := record["msg"].(string)
		if record["printed_by"] == "preloader" { // what it printed last is read after the word that it has loaded, where that is heard first
			message, record["line"] = "the application printed", message
		}
		if check, wanted := want[message]; wanted && (check == nil || check(record)) {
			delete(want, message)
		}
	}
	for message := range want {
		t.Errorf("no %q as it should be", message)
	}
	if in.stdout.Len() != 0 {
		t.Errorf("with --http standard output is %q", in.stdout.String())
	}
}

// TestJSONLogOfAnException: what a worker reports is an object as well, once it writes to the log itself.
func TestJSONLogOfAnException(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"smart", "direct"} {
		root := writeApp(t, map[string]string{"config.ru": "run ->(env) { raise \"oh\\n no\" if env['PATH_INFO'] == '/fail'; [200, {}, ['hello']] }\n"})
		in := start(t, startOptions{root: root, args: []string{"1", "--log-format", "json", "--spawn-method", method}})
		in.waitLine(`"all workers are ready"`)
		if a := ask(t, in.socket(0), "/fail"); a.status != 500 {
			t.Errorf("%v", a)
		}
		in.waitLine(`"msg":"GET /fail","pid":\d+,"error":"RuntimeError: oh\\n no"`)
		in.signal(syscall.SIGTERM)
		in.gone(0)
		in.records()
	}
}

// TestJSONLogOfAFailure has the error and its hint in the same form, also where the command line is wrong.
func TestJSONLogOfAFailure(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args       []string
		status     int
		error, try string
	}{
		{[]string{"2", "--log-format=json"}, exitFailed, "load the application: Settings::Missing: no setting called PAYMENT_KEY\n", "bin/rails runner 1"},
		{[]string{"two", "--log-format=json"}, exitUsage, `read command line: NUM is a number of workers, not "two"`, "launcher 4"},
	} {
		in := start(t, startOptions{root: copyApp(t, "broken_raise"), args: test.args})
		if status := in.wait(); status != test.status {
			t.Errorf("exit status %d", status)
		}
		records := in.records()
		if len(records) == 0 {
			t.Fatal("it says nothing")
		}
		contains(t, "the last line", records[len(records)-1]["error"].(string), test.error)
		contains(t, "the hint", records[len(records)-1]["try"].(string), test.try)
	}
}

// TestOneWorkerIsReady, and the snippet is printed where no --http makes it needless.
func TestOneWorkerIsReady(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"1"}})
	in.waitLine(`^1 worker is ready\. lighttpd: include "/`)
	in.signal(syscall.SIGTERM)
	in.gone(0)
	contains(t, "standard output", in.stdout.String(), `"socket" => "`+in.socket(0)+`"`)
}
