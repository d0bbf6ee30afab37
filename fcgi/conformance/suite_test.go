package conformance

import (
	"context"
	"errors"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

// run runs cases against a model, with more patience than any of them needs.
func run(t *testing.T, f fault, echo bool, ids ...string) []Result {
	t.Helper()
	cases, err := Select(Cases(), ids)
	if err != nil {
		t.Fatal(err)
	}
	suite := Suite{Target: startModel(t, f), Timeout: fcgitest.Patience, Deadline: fcgitest.Patience, Echo: echo}
	results, err := suite.Run(fcgitest.Context(t), cases)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// TestModelPasses: what does all that is expected passes all of it, with the probe application and with another.
func TestModelPasses(t *testing.T) {
	t.Parallel()
	for _, echo := range []bool{true, false} {
		for _, r := range run(t, none, echo) {
			can := r.Case.Needs != CommandOpen
			if !echo {
				can = r.Case.Needs == ""
			}
			if want := map[bool]Outcome{true: Passed, false: Skipped}[can]; r.Outcome != want {
				t.Errorf("echo %v, %s: %s: %s, %s", echo, r.Case.ID, r.Case.Title, r.Outcome, r.Got)
			}
			if r.Got == "" {
				t.Errorf("%s does not say what came back", r.Case.ID)
			}
		}
	}
}

// TestApplicationWithoutPost: what the application says of a POST is no failure of the responder.
func TestApplicationWithoutPost(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"404 Not Found", "302 Found"} {
		target := Target{Network: "unix", Address: fcgitest.Responder(t, (&model{posted: status}).serve)}
		suite := Suite{Target: target, Timeout: fcgitest.Patience, Deadline: fcgitest.Patience}
		results, err := suite.Run(fcgitest.Context(t), Cases())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Outcome == Failed {
				t.Errorf("%s: %s: %s: %s", status, r.Case.ID, r.Case.Title, r.Got)
			}
		}
	}
}

// inVain is what is waited for an answer that does not come.
const inVain = time.Second

// TestFaultsAreFound: a case that nothing fails would not be one.
func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault fault
		ids   []string
		got   string // of each, as a pattern
	}{
		{playsAnyRole, []string{"7-role-0", "7-role-99"}, "^200$"},
		{keepsAlways, []string{"40-closes"}, "^200, left open$"},
		{keepsAlways, []string{"40-second"}, "^200, left open$"},
		{hasNoUnknownType, []string{"35-type-12"}, "^no answer, left open$"},
		{ignoresAbort, []string{"36-body"}, "^nothing came in time$"},
		{ignoresAbort, []string{"36-response"}, "^END_REQUEST after 64 of 64 MiB$"},
		{handsOnProxy, []string{"25-proxy"}, `^given to the application: "http://192.0.2.1/"$`},
		{losesBytes, []string{"13-largest"}, `^200, a body of \d+ bytes$`},
		{cutsResponses, []string{"20-long-form", "46-length-128"}, `^closed after \d+ bytes of the response$`},
		{countsNoLength, []string{"26-letters"}, "^200$"},
		{joinsPeriods, []string{"44-period"}, `^HTTP_X_USER is "client"$`},
		{diesOfHugeLengths, []string{"15-first"}, "; the responder died .* and was back after "},
	} {
		t.Run(strings.Join(test.ids, " "), func(t *testing.T) {
			t.Parallel()
			cases, err := Select(Cases(), test.ids)
			if err != nil {
				t.Fatal(err)
			}
			suite := Suite{Target: startModel(t, test.fault), Timeout: inVain, Deadline: fcgitest.Patience, Echo: true}
			results, err := suite.Run(fcgitest.Context(t), cases)
			if err != nil || len(results) != len(test.ids) {
				t.Fatalf("%d results, %v", len(results), err)
			}
			for _, r := range results {
				if r.Outcome != Failed || !regexp.MustCompile(test.got).MatchString(r.Got) {
					t.Errorf("%s: %s, %q", r.Case.ID, r.Outcome, r.Got)
				}
			}
		})
	}
}

// TestOneFailureIsNoOthers: a case after which the responder has to come back leaves the next one alone.
func TestOneFailureIsNoOthers(t *testing.T) {
	t.Parallel()
	results := run(t, diesOfHugeLengths, true, "14", "15-first", "16")
	outcomes := []Outcome{results[0].Outcome, results[1].Outcome, results[2].Outcome}
	if !slices.Equal(outcomes, []Outcome{Passed, Failed, Passed}) {
		t.Errorf("%+v", results)
	}
}

// TestWhatHasNotComeBack: the cases behind are told apart from those that were run.
func TestWhatHasNotComeBack(t *testing.T) {
	t.Parallel()
	cases, _ := Select(Cases(), []string{"15-first", "16"})
	suite := Suite{Target: startModel(t, hangsForAll), Timeout: inVain, Deadline: inVain}
	results, err := suite.Run(fcgitest.Context(t), cases)
	if err != nil || results[0].Outcome != Failed || !strings.Contains(results[0].Got, "is not back") ||
		results[1].Outcome != Skipped || !strings.Contains(results[1].Got, "has not come back") {
		t.Errorf("%+v, %v", results, err)
	}
}

func TestNoResponder(t *testing.T) {
	t.Parallel()
	nothing := Suite{Target: Target{Network: "unix", Address: fcgitest.TempDir(t) + "/s"}}
	if _, err := nothing.Run(fcgitest.Context(t), Cases()); !errors.Is(err, ErrUnreachable) || strings.Count(err.Error(), "no connection") != 1 {
		t.Errorf("got %v", err)
	}
	wrong := Suite{Target: Target{Network: "unix", Address: fcgitest.Responder(t, fcgitest.After([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")))}}
	if _, err := wrong.Run(fcgitest.Context(t), Cases()); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("got %v", err)
	}
	other := Suite{Target: Target{Network: "unix", Address: fcgitest.Responder(t, fcgitest.After(fcgitest.Whole("A: b", "c")))}, Echo: true}
	if _, err := other.Run(fcgitest.Context(t), Cases()); !errors.Is(err, ErrNoProbe) {
		t.Errorf("got %v", err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(fcgitest.Context(t))
	var asked atomic.Int32
	path := fcgitest.Responder(t, func(conn net.Conn) {
		if _, err := fcgitest.ReadRequest(conn); err == nil && asked.Add(1) <= 1+sameProcess {
			_, _ = conn.Write(fcgitest.Whole("A: b", "c"))
			return
		}
		cancel()
		fcgitest.Silent(conn)
	})
	suite := Suite{Target: Target{Network: "unix", Address: path}, Timeout: fcgitest.Patience, Deadline: fcgitest.Patience}
	if results, err := suite.Run(ctx, Cases()); !errors.Is(err, context.Canceled) || len(results) > 0 {
		t.Errorf("%d results, %v", len(results), err)
	}
}

// TestRunEndsWhileTheResponderIsWaitedFor: no case has failed because somebody has had enough, and no other one was skipped for it.
func TestRunEndsWhileTheResponderIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, plain := range []int32{0, 1 + sameProcess} {
		ctx, cancel := context.WithCancel(fcgitest.Context(t))
		var asked atomic.Int32
		path := fcgitest.Responder(t, func(conn net.Conn) {
			request, err := fcgitest.ReadRequest(conn)
			if method, _ := request.Params.Get("REQUEST_METHOD"); err == nil && (asked.Load() < plain || method == "") {
				asked.Add(1)
				_, _ = conn.Write(fcgitest.Whole("A: b", "c"))
				return
			}
			cancel() // it hangs: at the first plain request, or the one after a case
			fcgitest.Silent(conn)
		})
		suite := Suite{Target: Target{Network: "unix", Address: path}, Timeout: fcgitest.Patience, Deadline: fcgitest.Patience,
			Report: func(r Result) { t.Errorf("%s %s: %s", r.Case.ID, r.Outcome, r.Got) }}
		cases, _ := Select(Cases(), []string{"32-nothing", "33-other"})
		if results, err := suite.Run(ctx, cases); !errors.Is(err, context.Canceled) || errors.Is(err, ErrNoAnswer) || len(results) > 0 {
			t.Errorf("%+v, %v", results, err)
		}
	}
}

// TestCasesAreWellFormed: they can be told apart, and say where they come from.
func TestCasesAreWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	numbers := map[string]bool{}
	for _, c := range Cases() {
		if seen[c.ID] || !regexp.MustCompile(`^\d+-[a-z0-9-]+$`).MatchString(c.ID) || c.Title == "" || c.Source == "" || c.Expect == "" || c.run == nil ||
			!slices.Contains([]Level{Must, Should, May}, c.Level) {
			t.Errorf("%+v", c)
		}
		seen[c.ID] = true
		numbers[c.Number()] = true
	}
	for n := 1; n <= 51; n++ {
		if !numbers[decimal(n)] {
			t.Errorf("no case has the number %d", n)
		}
	}
	if !slices.IsSortedFunc(Cases(), func(a, b Case) int { return number(a) - number(b) }) {
		t.Error("they are in no order")
	}
	for range 3 {
		if !slices.EqualFunc(Cases(), Cases(), func(a, b Case) bool { return a.ID == b.ID }) {
			t.Error("they are in another order each time")
		}
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ids   []string
		count int
	}{{nil, len(Cases())}, {[]string{"13"}, 1}, {[]string{"13-largest", "13"}, 1}, {[]string{"1"}, 3}, {[]string{"2", "26-letters"}, 2}} {
		if got, err := Select(Cases(), test.ids); err != nil || len(got) != test.count {
			t.Errorf("%q: %d cases, %v", test.ids, len(got), err)
		}
	}
	if _, err := Select(Cases(), []string{"13", "none"}); err == nil || !strings.Contains(err.Error(), `"none"`) {
		t.Errorf("got %v", err)
	}
}

// TestBaseIsReplaced by what the user gives.
func TestBaseIsReplaced(t *testing.T) {
	t.Parallel()
	target := Target{Params: fcgi.Params{{Name: "REQUEST_URI", Value: "/x"}, {Name: "SCRIPT_FILENAME", Value: "/probe.php"}}}
	params := (&attempt{target: target, echo: true}).tells(target.base(), CommandEcho)
	for name, want := range map[string]string{"REQUEST_URI": "/x?probe=echo", "QUERY_STRING": "probe=echo", "SCRIPT_FILENAME": "/probe.php", "REQUEST_METHOD": "GET"} {
		if got, _ := params.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
}
