package load

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"launcher/cmd/launcher/internal/experiment/mix"
)

// forms is an application whose form is taken only with the token and the cookie of one session.
type forms struct {
	mu       sync.Mutex
	sessions int
	pages    atomic.Int64
	posts    sync.Map // titles
	// stale makes the first post of each session one whose token is no more accepted.
	stale bool
	// invalid is what it says of each post whose token it takes, with the status that it refuses tokens with.
	invalid string
}

func (f *forms) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	session := ""
	if cookie, err := r.Cookie("session"); err == nil {
		session = cookie.Value
	}
	switch {
	case r.Method == http.MethodGet:
		f.pages.Add(1)
		f.mu.Lock()
		f.sessions++
		session = fmt.Sprint("s", f.sessions)
		f.mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: "session", Value: session, Path: "/"})
		fmt.Fprintf(w, `<form action=/other><input name=authenticity_token value=other></form>
<form action="/posts?x=1"><input type="hidden" name="authenticity_token" value="token+of/%s=="></form>`, session)
	case r.PostFormValue("authenticity_token") != "token+of/"+session+"==":
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, "refused")
	case f.invalid != "":
		if f.stale {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "another", Path: "/"})
		}
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, f.invalid)
	default:
		if _, known := f.posts.LoadOrStore(r.PostFormValue("title"), true); known {
			w.WriteHeader(http.StatusConflict)
			return
		}
		if f.stale {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "another", Path: "/"})
		}
		http.Redirect(w, r, "/posts/1", http.StatusFound)
	}
}

func posting() []mix.Request {
	return []mix.Request{{Weight: 1, Method: "POST", Path: "/posts", Fields: []mix.Field{
		{Name: "title", Value: "{unique}", File: -1}, {Name: "authenticity_token", Value: "{token:/posts/new}", File: -1}}}}
}

func TestVisitors(t *testing.T) {
	var app *forms
	eachTarget(t, func() http.Handler { app = &forms{}; return app }, func(t *testing.T, target Target) {
		plan := basic()
		plan.Mix, plan.Requests, plan.Connections, plan.Visitors = posting(), 30, 3, true
		if result := load(t, target, plan); result.OK != 30 {
			t.Errorf("%d right, %v", result.OK, result.Failures)
		}
		if app.pages.Load() > 3 {
			t.Errorf("the form was requested %d times by 3 visitors", app.pages.Load())
		}
		if _, err := Probe(t.Context(), target, plan); err != nil {
			t.Error(err)
		}
	})
}

// Who logs in has a new session, and tokens of before are no more accepted.
func TestVisitorTakesANewToken(t *testing.T) {
	app := &forms{stale: true}
	target, _ := serveHTTP(t, "unix", app)
	plan := basic()
	plan.Mix, plan.Requests, plan.Visitors = posting(), 5, true
	if result := load(t, target, plan); result.OK != 5 || app.pages.Load() != 5 {
		t.Errorf("%d right, %d pages, %v", result.OK, app.pages.Load(), result.Failures)
	}
}

// A form that is not valid and a token that is refused have one status: the page tells which it is.
func TestVisitorTellsARefusedTokenFromAnInvalidForm(t *testing.T) {
	var app *forms
	plan := basic()
	plan.Mix, plan.Requests, plan.Visitors = posting(), 5, true
	plan.Mix[0].Status, plan.Mix[0].Shows = http.StatusUnprocessableEntity, "be blank"
	eachTarget(t, func() http.Handler { app = &forms{stale: true, invalid: "<p>Title can't be blank"}; return app }, func(t *testing.T, target Target) {
		if result := load(t, target, plan); result.OK != 5 || app.pages.Load() != 5 {
			t.Errorf("%d right, %d pages, %v", result.OK, app.pages.Load(), result.Failures)
		}
	})
	eachTarget(t, func() http.Handler { return &forms{invalid: "a page of another kind"} }, func(t *testing.T, target Target) {
		want := Failure{`POST /posts: status 422 without "be blank"`, 5}
		if result := load(t, target, plan); len(result.Failures) != 1 || result.Failures[0] != want {
			t.Errorf("got %v", result.Failures)
		}
	})
}

// A redirect shows where it leads to, and a client without a memory is told of a text as well.
func TestTextOfAResponse(t *testing.T) {
	handler := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				http.Redirect(w, r, "/login", http.StatusFound)
				return
			}
			_, _ = io.WriteString(w, "a page of posts")
		})
	}
	eachTarget(t, handler, func(t *testing.T, target Target) {
		for _, test := range []struct{ method, shows, want string }{
			{"GET", "of posts", ""}, {"GET", "of issues", `GET /: status 200 without "of issues"`},
			{"POST", "/login", ""}, {"POST", "/posts/", `POST /: status 302 to /login without "/posts/"`},
		} {
			plan := basic()
			plan.Mix = []mix.Request{{Weight: 1, Method: test.method, Path: "/", Shows: test.shows}}
			if _, err := Probe(t.Context(), target, plan); fmt.Sprint(err) != test.want && (err != nil || test.want != "") {
				t.Errorf("%+v: got %v", test, err)
			}
		}
	})
}

func TestVisitorWithoutAToken(t *testing.T) {
	target, _ := serveHTTP(t, "unix", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<p>closed") }))
	plan := basic()
	plan.Mix, plan.Requests, plan.Visitors = posting(), 2, true
	want := Failure{"POST /posts: no token is on the page /posts/new, whose status is 200", 2}
	if result := load(t, target, plan); len(result.Failures) != 1 || result.Failures[0] != want {
		t.Errorf("got %v", result.Failures)
	}
}

// What is not idempotent is sent once.
func TestMethodsAndBodies(t *testing.T) {
	handler := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("X-Said", fmt.Sprintf("%s %s %s %d", r.Method, r.Header.Get("Content-Type"), r.Header.Get("X-A"), len(body)))
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write(body)
		})
	}
	eachTarget(t, handler, func(t *testing.T, target Target) {
		for _, test := range []struct {
			request mix.Request
			want    string
		}{
			{mix.Request{Method: "PUT", Body: []byte("{}"), Header: http.Header{"X-A": {"b"}}}, "PUT application/json b 2"},
			{mix.Request{Method: "DELETE"}, "DELETE   0"},
			{mix.Request{Method: "HEAD", Status: 202}, "HEAD   0"},
			{mix.Request{Method: "POST", Fields: []mix.Field{{Name: "file", File: 100_000}}}, "POST multipart/form-data; boundary=launcher-experiment-boundary  100"},
		} {
			test.request.Path = "/"
			plan := basic()
			plan.Mix = []mix.Request{test.request}
			response, err := Probe(t.Context(), target, plan)
			if got := response.Header.Get("X-Said"); err != nil || len(got) < len(test.want) || got[:len(test.want)] != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		}
	})
}

func TestFindToken(t *testing.T) {
	for page, want := range map[string]string{
		`<meta name="csrf-token" content="a&amp;b"><form action=/x><input name=authenticity_token value=c>`:                     "a&b",
		`<form action=/y><input name=authenticity_token value=1></form><form action=/x><input name=authenticity_token value=2>`: "2",
		`<form action=/y><input name=authenticity_token value=1>`:                                                               "1",
		`<input name="authenticity_token">`: "",
		"":                                  "",
	} {
		if got, found := findToken([]byte(page), "/x?y=z"); got != want || found != (want != "") {
			t.Errorf("%s: %q, %t", page, got, found)
		}
	}
}

func FuzzFindToken(f *testing.F) {
	f.Add([]byte(`<meta name="csrf-token" content="a"><form action=%zz><input name=authenticity_token value=c>`))
	f.Fuzz(func(t *testing.T, page []byte) {
		if token, found := findToken(page, "/x"); found != (token != "") {
			t.Errorf("%q, %t", token, found)
		}
	})
}

// The windows begin each second, and end before the load does.
func TestWindows(t *testing.T) {
	tallies := []tally{
		{seconds: []second{{latencies: []float64{0.1, 0.2}}, {}, {latencies: []float64{0.3}, errors: 1}}},
		{seconds: []second{{latencies: []float64{0.4}}}},
	}
	var r Result
	r.count(tallies, 3500e6)
	if len(r.Latencies) != 4 || r.Latencies[0] != 0.1 || r.Latencies[3] != 0.4 {
		t.Errorf("latencies %v", r.Latencies)
	}
	if len(r.Windows) != 2 || r.Windows[0] != (Window{0, 3, 0, 200e6, 400e6}) || r.Windows[1] != (Window{1, 1, 1, 300e6, 300e6}) {
		t.Errorf("windows %+v", r.Windows)
	}
}

func TestEnough(t *testing.T) {
	target, _ := serveHTTP(t, "unix", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	plan := basic("/")
	plan.Requests, plan.Connections = MaxRequests, 2
	asked := 0
	plan.Enough = func(second, responses int) bool {
		if second != asked || responses <= 0 {
			t.Errorf("second %d: %d responses", second, responses)
		}
		asked++
		return asked == 2
	}
	result := Run(t.Context(), target, plan, nil)
	check(t, result)
	if asked != 2 || result.OK >= MaxRequests || len(result.Windows) != 1 {
		t.Errorf("asked %d times, %d requests, %d windows", asked, result.OK, len(result.Windows))
	}
}
