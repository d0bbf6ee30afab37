package dashboard

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/hint"
)

const secret = "0123456789abcdef"

// asked is what a handler of a dashboard has returned.
func asked(h http.Handler, method, target string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, "http://127.0.0.1:9394"+target, strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		if request.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			request.Host = headers[i+1]
		}
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder
}

// handlerOf serves the pages of an address without the bounds of its server.
func handlerOf(d *Dashboard, a Access) http.Handler {
	mux := http.NewServeMux()
	for _, r := range d.pages(a).routes() {
		pattern := r.method + " " + r.path
		if strings.HasSuffix(pattern, "/") {
			pattern += "{$}"
		}
		mux.HandleFunc(pattern, func(w http.ResponseWriter, asked *http.Request) {
			if r.admits == nil || r.admits(w, asked) {
				r.handler(w, asked)
			}
		})
	}
	return mux
}

func basic(password string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("anybody:"+password))}
}

// still is a dashboard of a launcher that stays as it is, and what it was told to do.
func still(t *testing.T, s control.Status) (d *Dashboard, done *[]string) {
	t.Helper()
	done = new([]string)
	d = New(Launcher{
		Status:  func(context.Context) (control.Status, error) { return s, nil },
		Restart: func(context.Context) error { *done = append(*done, "restart"); return nil },
		Kill: func(_ context.Context, slot, pid int) error {
			if *done = append(*done, fmt.Sprintf("kill %d %d", slot, pid)); pid == 1 {
				return hint.Errorf("look again", "kill: it has ended")
			}
			return nil
		},
	})
	t.Cleanup(d.Close)
	return d, done
}

// TestPageHasWhatStatusSays, and whatever others have chosen is text in it.
func TestPageHasWhatStatusSays(t *testing.T) {
	now := time.Now()
	s := example(4, now)
	s.Slots[2].Workers = nil
	s.Slots[2].State, s.Slots[2].Retry, s.Slots[2].Failed = "failed", 120, &control.SlotFailure{Time: now, Deaths: 10}
	s.Slots[2].Died = &control.DeathStatus{Time: now, Pid: 5778, Reason: "crashed"}
	s.Slots[0].Workers[0].Request = &control.RequestStatus{Method: "GET", Path: hostile, Seconds: 1}
	s.Generations[1].Findings = []control.FindingStatus{{Kind: "thread", Text: "boot started " + hostile, Where: "lib/a.rb:3", Advice: "start it later"}}
	s.FailedLoad = &control.FailedLoad{Generation: 3, Time: now, Error: "NameError: " + hostile}
	s.Root = "/srv/" + hostile
	d, _ := still(t, s)
	got := asked(handlerOf(d, Access{Open: true}), "GET", "/", nil)
	body := got.Body.String()
	if got.Code != 200 || got.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v %s", got.Code, got.Header(), body)
	}
	for _, part := range []string{"running", "0.9.0", "4242", "6000", "6001", "6003", "GET /products/4711", "/orders/2026-11/exports", "POST ", "12\u00a0s",
		"6.0\u00a0MB", "96\u00a0MB", "failed", "next in 2\u00a0min\u00a00\u00a0s", "boot started", "lib/a.rb:3", "start it later", "generation 2 loaded in 3.8\u00a0s",
		"signal SIGSEGV", "Generation 3 has not loaded", "Rails 7.2.2", "918,270", "The last one: slot 2: worker 5778 crashed", "&lt;script&gt;alert(1)"} {
		if !strings.Contains(body, part) {
			t.Errorf("there is no %q in it", part)
		}
	}
	if strings.Count(body, "<script") != 1 || strings.Contains(body, "<script>alert") || strings.ContainsAny(body, "\u202e\x1b") {
		t.Error("what a client has chosen is markup")
	}
	if found := regexp.MustCompile(`(?:src|href|action|url)=?\(?"?'?(?:https?:)?//[^"' ]*`).FindAllString(body, -1); found != nil {
		t.Errorf("it loads %q", found)
	}
	if strings.Contains(body, "<button") || strings.Contains(body, "admin/") {
		t.Error("it has buttons without a token")
	}
	if strings.Contains(body, " style=") || regexp.MustCompile(` on[a-z]+=`).MatchString(body) {
		t.Error("it has styles or scripts that its policy does not allow")
	}
}

// TestPageHasWhatTheFrontRefuses where there is one, the most frequent first, and nothing that has not happened.
func TestPageHasWhatTheFrontRefuses(t *testing.T) {
	s := example(1, time.Now())
	d, _ := still(t, s)
	if body := asked(handlerOf(d, Access{Open: true}), "GET", "/", nil).Body.String(); strings.Contains(body, "no worker has answered") {
		t.Error("there is a front")
	}
	s.Front = &control.FrontStatus{Refused: []control.RefusedStatus{{Code: 400, Reason: "malformed"}, {Code: 502, Reason: hostile, Count: 4}, {Code: 503, Reason: "stopping", Count: 31}},
		Unanswered: map[string]uint64{"client left": 8, "made room": 0}}
	d, _ = still(t, s)
	_, rows, _ := strings.Cut(asked(handlerOf(d, Access{Open: true}), "GET", "/", nil).Body.String(), "no worker has answered")
	order := regexp.MustCompile(`(?s)503.*stopping.*31.*–.*client left.*8.*502.*&lt;script.*4`)
	if rows, _, _ = strings.Cut(rows, "</section>"); !order.MatchString(rows) || strings.Contains(rows, "malformed") || strings.Contains(rows, "made room") {
		t.Error(rows)
	}
}

// TestPageIsSmall with all of the last hour.
func TestPageIsSmall(t *testing.T) {
	const most = 40 << 10
	s := example(4, time.Now())
	d, _ := still(t, s)
	d.lasting, d.sampling, d.history = true, true, *hourOf(s)
	size := asked(handlerOf(d, Access{Open: true}), "GET", "/", nil).Body.Len()
	t.Logf("%d bytes with 4 slots", size)
	if size > most {
		t.Errorf("it has %d bytes, at most %d are wanted", size, most)
	}
}

// TestPolicyLetsNothingElseRun: the hashes are those of what is on the page.
func TestPolicyLetsNothingElseRun(t *testing.T) {
	d, _ := still(t, example(1, time.Now()))
	got := asked(handlerOf(d, Access{Open: true}), "GET", "/", nil)
	allowed := got.Header().Get("Content-Security-Policy")
	for _, tag := range []string{"style", "script"} {
		match := regexp.MustCompile("(?s)<" + tag + ">(.*?)</" + tag + ">").FindStringSubmatch(got.Body.String())
		if match == nil {
			t.Fatalf("there is no %s", tag)
		}
		sum := sha256.Sum256([]byte(match[1]))
		if want := tag + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !strings.Contains(allowed, want) {
			t.Errorf("no %q in %q", want, allowed)
		}
	}
	for _, part := range []string{"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(allowed, part) {
			t.Errorf("no %q in %q", part, allowed)
		}
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store", "X-Frame-Options": "DENY"} {
		if got.Header().Get(name) != want {
			t.Errorf("%s: %q", name, got.Header().Get(name))
		}
	}
}

// TestWhoMayRead the page, and that with buttons.
func TestWhoMayRead(t *testing.T) {
	d, _ := still(t, example(1, time.Now()))
	right, wrong := basic(secret), basic("0123456789abcdeF")
	bearer := []string{"Authorization", "Bearer " + secret}
	for _, test := range []struct {
		access  Access
		path    string
		headers []string
		status  int
		buttons bool
	}{
		{Access{Open: true}, "/", nil, 200, false},
		{Access{Open: true}, "/", basic(""), 200, false},
		{Access{Open: true}, "/admin/", basic(""), 403, false}, // nobody can sign in
		{Access{Open: true, Token: secret}, "/", nil, 200, false},
		{Access{Open: true, Token: secret}, "/", wrong, 200, false},
		{Access{Open: true, Token: secret}, "/", right, 200, false},
		{Access{Open: true, Token: secret}, "/admin/", nil, 401, false},
		{Access{Open: true, Token: secret}, "/admin/", wrong, 401, false},
		{Access{Open: true, Token: secret}, "/admin/", right, 200, true},
		{Access{Open: true, Token: secret}, "/admin/", bearer, 200, true},
		{Access{Open: true, Token: secret}, "/admin/dashboard/stream", wrong, 401, false},
		{Access{Token: secret}, "/", nil, 401, false},
		{Access{Token: secret}, "/", wrong, 401, false},
		{Access{Token: secret}, "/", basic(""), 401, false},
		{Access{Token: secret}, "/", right, 200, false},
		{Access{Token: secret}, "/admin/", right, 200, true},
		{Access{Token: secret}, "/dashboard/stream", nil, 401, false},
		{Access{}, "/", nil, 401, false}, // without a token nobody has it
		{Access{}, "/", basic(""), 401, false},
		{Access{}, "/admin/", basic(""), 403, false},
		{Access{Open: true}, "/", []string{"Host", "evil.example"}, 421, false},
		{Access{Open: true}, "/dashboard/stream", []string{"Host", "evil.example:9394"}, 421, false},
		{Access{Open: true, Names: []string{"shop.example"}}, "/", []string{"Host", "shop.example:9394"}, 200, false},
		{Access{Open: true, Token: secret}, "/admin/", append([]string{"Host", "proxy.example"}, right...), 200, true},
		{Access{Open: true}, "/other", nil, 404, false},
		{Access{Token: secret}, "/admin", nil, 303, false},
	} {
		got := asked(handlerOf(d, test.access), "GET", test.path, nil, test.headers...)
		if got.Code != test.status || strings.Contains(got.Body.String(), "<button") != test.buttons {
			t.Errorf("%+v %s %q: %d, buttons: %v", test.access, test.path, test.headers, got.Code, !test.buttons)
		}
		if got.Code == 401 && !strings.HasPrefix(got.Header().Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("a browser does not ask for the token: %v", got.Header())
		}
		if got.Code == 401 && strings.Contains(got.Body.String(), "/srv/shop") {
			t.Error("who may not read is told something")
		}
	}
}

var formKey = regexp.MustCompile(`name=key value="([0-9a-f]{32})"`)

// TestWhoMayDoSomething has the token, and comes from a form of the page.
func TestWhoMayDoSomething(t *testing.T) {
	d, done := still(t, example(2, time.Now()))
	h := handlerOf(d, Access{Open: true, Token: secret})
	match := formKey.FindStringSubmatch(asked(h, "GET", "/admin/", nil, basic(secret)...).Body.String())
	if match == nil {
		t.Fatal("the page has no key in its forms")
	}
	form := func(more ...string) url.Values {
		values := url.Values{"key": {match[1]}}
		for i := 0; i < len(more); i += 2 {
			values.Set(more[i], more[i+1])
		}
		return values
	}
	bearer := []string{"Authorization", "Bearer " + secret}
	with := func(more ...string) []string { return append(more, basic(secret)...) }
	for _, test := range []struct {
		method, path string
		form         url.Values
		headers      []string
		status       int
		done         string
	}{
		{"POST", "/admin/dashboard/restart", form(), nil, 401, ""},
		{"POST", "/admin/dashboard/restart", form(), basic("wrong"), 401, ""},
		{"POST", "/admin/dashboard/restart", nil, with(), 403, ""},
		{"POST", "/admin/dashboard/restart", form("key", "0"), with(), 403, ""},
		{"POST", "/admin/dashboard/restart", form(), with("Origin", "http://evil.example"), 403, ""},
		{"POST", "/admin/dashboard/restart", form(), with("Origin", "null"), 403, ""},
		{"POST", "/admin/dashboard/restart", form(), with("Sec-Fetch-Site", "cross-site"), 403, ""},
		{"POST", "/admin/dashboard/restart", form(), with("Sec-Fetch-Site", "same-site"), 403, ""},
		{"GET", "/admin/dashboard/restart", form(), with(), 405, ""},
		{"POST", "/admin/dashboard/restart", form(), with("Origin", "http://127.0.0.1:9394", "Sec-Fetch-Site", "same-origin"), 303, "restart"},
		{"POST", "/admin/dashboard/restart", nil, bearer, 303, "restart"}, // a program has no page
		{"POST", "/admin/dashboard/restart", nil, append([]string{"Origin", "http://evil.example"}, bearer...), 403, ""},
		{"POST", "/admin/dashboard/restart", nil, []string{"Authorization", "Bearer 0123456789abcdeF"}, 401, ""},
		{"POST", "/admin/dashboard/kill", url.Values{"slot": {"1"}, "pid": {"6001"}}, bearer, 303, "kill 1 6001"},
		{"POST", "/admin/dashboard/kill", form("slot", "1", "pid", "6001"), nil, 401, ""},
		{"POST", "/admin/dashboard/kill", form("slot", "1"), with(), 409, ""},
		{"POST", "/admin/dashboard/kill", form("slot", "x", "pid", "6001"), with(), 409, ""},
		{"POST", "/admin/dashboard/kill", form("slot", "-1", "pid", "6001"), with(), 409, ""},
		{"POST", "/admin/dashboard/kill", form("slot", "1", "pid", "1"), with(), 409, "kill 1 1"},
		{"POST", "/admin/dashboard/kill", form("slot", "1", "pid", "6001"), with(), 303, "kill 1 6001"},
	} {
		*done = nil
		got := asked(h, test.method, test.path, test.form, test.headers...)
		if got.Code != test.status || strings.Join(*done, ", ") != test.done {
			t.Errorf("%s %s %v %q: %d, done: %q", test.method, test.path, test.form, test.headers, got.Code, *done)
		}
		if got.Code == 303 && !strings.HasPrefix(got.Header().Get("Location"), "../?done=") {
			t.Errorf("it leads to %q", got.Header().Get("Location"))
		}
	}
	if body := asked(h, "POST", "/admin/dashboard/kill", form("slot", "1", "pid", "1"), with()...).Body.String(); !strings.Contains(body, "kill: it has ended") || !strings.Contains(body, "look again") {
		t.Errorf("it does not say why: %s", body)
	}
	if body := asked(handlerOf(d, Access{Open: true}), "GET", "/?done=kill", nil).Body.String(); !strings.Contains(body, "The worker was killed") {
		t.Error("it does not say what was done")
	}
	// Another process has other keys.
	other, _ := still(t, example(2, time.Now()))
	if got := asked(handlerOf(other, Access{Open: true, Token: secret}), "POST", "/admin/dashboard/restart", form(), with()...); got.Code != 403 {
		t.Errorf("a form of another process: %d", got.Code)
	}
}

// TestPageWithoutKill: where workers cannot be killed there is no button for it, and nothing behind that.
func TestPageWithoutKill(t *testing.T) {
	d, _ := still(t, example(2, time.Now()))
	d.launcher.Kill = nil
	h := handlerOf(d, Access{Open: true, Token: secret})
	body := asked(h, "GET", "/admin/", nil, basic(secret)...).Body.String()
	if strings.Count(body, "<button") != 1 || strings.Contains(body, ">action") || strings.Contains(body, "kill…") {
		t.Error("it has buttons to kill")
	}
	form := url.Values{"key": {formKey.FindStringSubmatch(body)[1]}, "slot": {"1"}, "pid": {"6001"}}
	if got := asked(h, "POST", "/admin/dashboard/kill", form, basic(secret)...); got.Code != 404 {
		t.Errorf("%d", got.Code)
	}
}

// TestNoticeIsSaidOnce: who reads the page again is not told once more what was done.
func TestNoticeIsSaidOnce(t *testing.T) {
	d, _ := still(t, example(1, time.Now()))
	body := asked(handlerOf(d, Access{Open: true}), "GET", "/?done=restart", nil).Body.String()
	again := regexp.MustCompile(`<a href="([^"]*)">read again`).FindStringSubmatch(body)
	if again == nil {
		t.Fatal("there is no link to read it again")
	}
	for _, at := range []string{"http://shop/?done=restart", "http://shop/x/admin/?done=kill"} {
		here, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		if to, err := here.Parse(again[1]); err != nil || to.RawQuery != "" || to.Path != here.Path {
			t.Errorf("%s leads to %s, %v", at, to, err)
		}
	}
}

// TestPageOfALauncherThatEnds says so.
func TestPageOfALauncherThatEnds(t *testing.T) {
	d := New(Launcher{Status: func(context.Context) (control.Status, error) {
		return control.Status{}, hint.Errorf("ask again", "the launcher is ending")
	}})
	defer d.Close()
	got := asked(handlerOf(d, Access{Open: true}), "GET", "/", nil)
	if got.Code != 503 || !strings.Contains(got.Body.String(), "the launcher is ending") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if errors.Is(d.ctx.Err(), context.Canceled) {
		t.Error("it has ended itself")
	}
}
