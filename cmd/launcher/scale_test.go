//go:build linux

package main

import (
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/control"
)

// sleepingApp is an application whose requests take a moment, and have their worker's pid.
func sleepingApp(t testing.TB) string {
	t.Helper()
	return writeApp(t, map[string]string{"config.ru": "run ->(env) {\n  sleep(env.fetch('QUERY_STRING').to_f)\n" +
		"  [200, {'content-type' => 'text/plain'}, [Process.pid.to_s]]\n}\n"})
}

// scale runs "launcher scale" in an application's folder.
func scale(t testing.TB, root string, args ...string) string {
	t.Helper()
	return output(t, root, append([]string{"scale"}, args...)...)
}

// slots waits until so many slots have a worker that is ready and no other, and none is left of others; parked ones are those of them that have none.
func (in *instance) slots(all, parked int) {
	in.t.Helper()
	in.waitFor(strconv.Itoa(all)+" slots, "+strconv.Itoa(parked)+" of them parked", func() bool {
		status, _, err := control.AskStatus(in.t.Context(), in.root+"/log")
		if err != nil || len(status.Slots) != all {
			return false
		}
		left := parked
		for _, slot := range status.Slots {
			switch {
			case slot.State == "parked" && len(slot.Workers) == 0:
				left--
			case len(slot.Workers) != 1 || slot.Workers[0].State != "idle" && slot.Workers[0].State != "busy":
				return false
			}
		}
		return left == 0
	})
}

// snippetOf is the configuration that lies beside the sockets.
func snippetOf(t testing.TB, in *instance) string {
	t.Helper()
	text, err := os.ReadFile(in.root + "/log/" + snippetName)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestScaleBehindLighttpd: under load no request is lost while slots come and go; sockets and configuration follow.
func TestScaleBehindLighttpd(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: sleepingApp(t), args: []string{"2"}}).serving()
	said := scale(t, in.root, "12")
	contains(t, "launcher scale 12", said, "12 workers, before 2: "+in.socket(0)+" to "+in.socket(11), "systemctl reload lighttpd", "launcher config --server nginx")
	in.slots(12, 0)
	contains(t, "the snippet", snippetOf(t, in), "fastcgi.socket-11")
	c := startCrowd(8, in.behindLighttpd(12)+"/?0.01") // which is not reloaded from here on
	c.asked(t, 200)
	scale(t, in.root, "-11")
	in.slots(1, 0)
	if snippet := snippetOf(t, in); strings.Contains(snippet, "fastcgi.socket-1") {
		t.Errorf("the snippet:\n%s", snippet)
	}
	if found := len(in.titled("launcher worker")); found != 1 {
		t.Errorf("%d workers", found)
	}
	if to, err := os.Readlink(in.socket(11)); to != "fastcgi.socket-0" {
		t.Errorf("the socket of a slot that is gone leads to %q, %v", to, err)
	}
	c.asked(t, 200)
	scale(t, in.root, "5")
	in.slots(5, 0)
	c.asked(t, 100)
	if got := c.end(); got.failed() > 0 {
		t.Errorf("%v", got)
	}
}

// TestScaleHandsOverWhatWaits: a connection that waits at a slot which is removed is served, by whoever is left, while its worker
// finishes its request.
func TestScaleHandsOverWhatWaits(t *testing.T) {
	t.Parallel()
	for _, ports := range []int{0, 2} {
		in := start(t, startOptions{root: sleepingApp(t), args: []string{"2"}, ports: ports}).serving()
		leaving := in.worker(1)
		busy := queue(t, in.socket(1), "/?2")
		in.waitFor("the worker to have it", func() bool {
			status, _, err := control.AskStatus(t.Context(), in.root+"/log")
			return err == nil && status.Slots[1].Workers[0].State == "busy"
		})
		waits := queue(t, in.socket(1), "/?0")
		scale(t, in.root, "1")
		if a := waits.answer(); !a.is(strconv.Itoa(in.worker(0))) && !a.is(strconv.Itoa(leaving)) {
			t.Errorf("who waited: %v", a)
		}
		if a := busy.answer(); !a.is(strconv.Itoa(leaving)) {
			t.Errorf("who was served: %v", a)
		}
		in.slots(1, 0)
		scale(t, in.root, "2")
		in.slots(2, 0)
		if a := ask(t, in.socket(1), "/?0"); !a.is(strconv.Itoa(in.worker(1))) {
			t.Errorf("the slot that was added again: %v", a)
		}
	}
}

// TestScaleWithFront: the embedded front follows by itself, and says so; signals do it, too, and never below one.
func TestScaleWithFront(t *testing.T) {
	t.Parallel()
	b := startFront(t, sleepingApp(t), 1)
	c := startCrowd(6, b.url+"/?0.01")
	c.asked(t, 20)
	contains(t, "launcher scale 3", scale(t, b.in.root, "3"), "3 workers, before 1", "nothing is to be reloaded")
	b.in.slots(3, 0)
	c.asked(t, 100)
	b.in.signal(syscall.SIGTTIN)
	b.in.slots(4, 0)
	for left := 3; left >= 0; left-- { // a signal that is not taken yet counts once
		b.in.signal(syscall.SIGTTOU)
		b.in.waitLine("by=TTOU workers=" + strconv.Itoa(max(left, 1)))
	}
	b.in.waitLine("the number of workers is that already.* by=TTOU workers=1")
	b.in.slots(1, 0)
	c.asked(t, 20)
	if got := c.end(); got.failed() > 0 {
		t.Errorf("%v", got)
	}
	contains(t, "launcher scale 1", scale(t, b.in.root, "1"), "1 worker, as before")
}

// TestScaleRefuses what there cannot be.
func TestScaleRefuses(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: sleepingApp(t), args: []string{"1"}}).serving()
	for text, says := range map[string]string{"0": "from 1 to 1024", "-1": "from 1 to 1024", "+5000": "from 1 to 1024", "many": "not \"many\"", "auto": "not \"auto\"", "+0": "more or fewer", "": "is missing"} {
		args := []string{"scale"}
		if text != "" {
			args = append(args, text)
		}
		if got := finish(t, in.root, args...); got.status == 0 || !strings.Contains(got.stderr, says) {
			t.Errorf("scale %q: %+v", text, got)
		}
	}
}

// TestOnDemand: slots above --min have no process until somebody connects, and none again when nobody does.
func TestOnDemand(t *testing.T) {
	t.Parallel()
	b := startFront(t, sleepingApp(t), 3, "--min", "1", "--idle-timeout", "500ms")
	b.in.slots(3, 2)
	if found := len(b.in.titled("launcher worker")); found != 1 {
		t.Fatalf("%d workers", found)
	}
	var together []<-chan page
	for range 3 {
		together = append(together, later(http.MethodGet, b.url+"/?1", nil))
	}
	pids := map[string]bool{}
	for _, one := range together {
		got := (<-one).expect(t, 200)
		pids[string(got.body)] = true
	}
	if len(pids) != 3 {
		t.Errorf("they were served by %v", pids)
	}
	b.in.waitLines("worker left.* reason=idle", 2)
	b.in.slots(3, 2)
	if got := fetch(client(), http.MethodGet, b.url+"/", nil); string(got.body) != strconv.Itoa(b.in.worker(0)) {
		t.Errorf("one request alone is served by %s", got.body)
	}
	// A connection of anybody wakes a slot, and is served.
	if a := ask(t, b.in.socket(2), "/"); a.err != nil || a.status != 200 {
		t.Errorf("%v", a)
	}
	b.in.slots(3, 2)
}

// TestOnDemandBehindLighttpd: memory follows the load, and no request is lost as workers come and go. A restart leaves parked slots
// alone.
func TestOnDemandBehindLighttpd(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: sleepingApp(t), args: []string{"4", "--min", "1", "--idle-timeout", "300ms"}}).serving()
	url := in.behindLighttpd(4)
	failed := 0
	for range 2 {
		c := startCrowd(6, url+"/?0.02")
		in.slots(4, 0)
		c.asked(t, 50)
		failed += c.end().failed()
		in.slots(4, 3)
	}
	if failed > 0 {
		t.Errorf("%d requests have failed", failed)
	}
	in.signal(syscall.SIGHUP)
	in.waitLine("all slots have a ready worker.* gen=2")
	in.slots(4, 3)
	if _, body := get(t, url+"/"); body != strconv.Itoa(in.worker(0)) {
		t.Errorf("served by %s", body)
	}
}

// TestNumberFromTheEnvironment: WEB_CONCURRENCY and PORT are what Procfiles expect, unless the command line says something else.
func TestNumberFromTheEnvironment(t *testing.T) {
	t.Parallel()
	root := sleepingApp(t)
	port := strconv.Itoa(freePort(t))
	in := start(t, startOptions{root: root, env: []string{"WEB_CONCURRENCY=2", "PORT=" + port}}).serving()
	in.waitLine(`level=INFO msg="PORT is in the environment.*--http :` + port)
	in.waitLine(`msg="the number of workers is chosen" workers=2 reason="from WEB_CONCURRENCY"`)
	if status, _ := get(t, "http://"+net.JoinHostPort("127.0.0.1", port)+"/"); status != 200 {
		t.Errorf("%d", status)
	}
	in.slots(2, 0)
	in.signal(syscall.SIGTERM)
	in.wait()

	other := start(t, startOptions{root: root, env: []string{"WEB_CONCURRENCY=many", "PORT=x"}, args: []string{"auto", "--http", "127.0.0.1:0"}})
	other.waitLine(`msg="the number of workers is chosen" workers=\d+ reason="2 for each of`)
	other.signal(syscall.SIGTERM)
	other.wait()

	for _, test := range []struct{ variable, says string }{
		{"WEB_CONCURRENCY=many", `read WEB_CONCURRENCY: it is a number of workers, not "many"`}, {"WEB_CONCURRENCY=0", "read WEB_CONCURRENCY: it is from 1 to 1024, not 0"},
		{"WEB_CONCURRENCY= ", "NUM, the number of workers, is missing"}, {"PORT=99999", `read PORT: "99999" is not a port`}, {"PORT=http", "read PORT"},
	} {
		args := []string{"2"}
		if strings.HasPrefix(test.variable, "WEB") {
			args = nil
		}
		if got := finishWith(t, root, []string{test.variable}, args...); got.status != exitUsage || !strings.Contains(got.stderr, test.says) {
			t.Errorf("%s: %+v", test.variable, got)
		}
	}
	got := finishWith(t, root, []string{"WEB_CONCURRENCY=3"}, "config")
	if got.status != 0 || !strings.Contains(got.stdout, "fastcgi.socket-2") || strings.Contains(got.stdout, "fastcgi.socket-3") {
		t.Errorf("launcher config: %+v", got)
	}
}

// TestScaleWithKeptConnections: a web server keeps connections to workers, and sends requests over those whose worker leaves, since
// its slot goes or nobody needs it: all are served, by others.
func TestScaleWithKeptConnections(t *testing.T) {
	t.Parallel()
	for _, s := range keepingServers() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			root := writeApp(t, map[string]string{"config.ru": `run(lambda { |env| [200, {}, [env["rack.input"].read.bytesize.to_s, " ", Process.pid.to_s]] })`})
			workers := strconv.Itoa(servedWorkers)
			in := start(t, startOptions{root: root, args: []string{workers, "--min", "1", "--idle-timeout", "300ms"}}).serving()
			url := s.run(t, root)
			failed := []error{}
			for range 2 {
				posts := startPosts(8, url)
				posts.await(t, keptVisits)
				scale(t, root, "1")
				posts.await(t, keptVisits)
				scale(t, root, workers)
				posts.await(t, keptVisits)
				_, more := posts.end()
				failed = append(failed, more...)
				in.slots(servedWorkers, servedWorkers-1) // all but one have left
			}
			if len(failed) > 0 {
				t.Errorf("%d have failed: %v", len(failed), failed)
			}
		})
	}
}
