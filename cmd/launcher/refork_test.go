//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker"
	"launcher/preforker/proc"
)

// Lines of the log.
const (
	lineAsked   = `msg="refork asked for" slot=(\d+) gen=1 .*pid=(\d+)`
	lineBorn    = `msg="preloader was born of a warm worker" gen=1 refork=(\d+) pid=(\d+)`
	lineArrived = `msg="workers are forks of a warm worker now" gen=1 refork=(\d+)`
)

// reforking starts an application whose workers give birth after so many requests.
func reforking(t *testing.T, root, after string, workers int, env ...string) *instance {
	t.Helper()
	return start(t, startOptions{root: root, env: env,
		args: []string{strconv.Itoa(workers), "--refork-after", after, "--log-level", "debug"}}).serving()
}

// countingApp answers how many requests were served by the process that answers, and by those before it that it was
// born of. It calls what a test gives it for a path.
func countingApp(t *testing.T, actions string) string {
	return writeApp(t, map[string]string{"config.ru": fmt.Sprintf(`
		at_exit { File.open(File.join(%q, "bye"), "a") { |file| file.syswrite("#{Process.pid}\n") } }
		served = 0
		actions = {%s}
		run(lambda { |env|
		  served += 1
		  actions[env["PATH_INFO"]]&.call
		  [200, {}, [served.to_s]]
		})`, t.TempDir(), actions)})
}

// bye are the processes in which the exit handlers of a countingApp ran.
func bye(t *testing.T, root string) []string {
	t.Helper()
	config, err := os.ReadFile(filepath.Join(root, "config.ru"))
	if err != nil {
		t.Fatal(err)
	}
	dir := regexp.MustCompile(`File\.join\("([^"]+)"`).FindSubmatch(config)[1]
	text, _ := os.ReadFile(filepath.Join(string(dir), "bye"))
	return strings.Fields(string(text))
}

// warm has a slot's worker serve requests.
func (in *instance) warm(slot, requests int) {
	in.t.Helper()
	for range requests {
		if a := ask(in.t, in.socket(slot), "/"); a.err != nil || a.status != 200 {
			in.t.Fatalf("%v", a)
		}
	}
}

// tried warms slot 0 until it has the first worker of a refork, which has served nothing, and answers the
// pid of that preloader.
func (in *instance) tried(requests int) (preloader int) {
	in.t.Helper()
	in.warm(0, requests)
	preloader, _ = strconv.Atoi(in.waitLine(lineBorn)[2])
	in.waitLine(`msg="worker is ready" slot=0 gen=1 refork=1`)
	in.forks(0, "gen=1 refork=1")
	return preloader
}

// forks waits until a slot's only worker is idle and a fork of that preloader.
func (in *instance) forks(slot int, origin string) {
	in.t.Helper()
	title := fmt.Sprintf("launcher worker slot=%d ", slot)
	in.waitFor(title+origin, func() bool {
		found := in.titled(title)
		return len(found) == 1 && found[0].title == title+origin+" idle"
	})
}

// all waits until there is one preloader, and all workers are forks of it.
func (in *instance) all(origin string, workers int) {
	in.t.Helper()
	for slot := range workers {
		in.forks(slot, origin)
	}
	in.waitFor("one preloader of "+origin, func() bool {
		found := in.titled("launcher preloader ")
		return len(found) == 1 && strings.HasPrefix(found[0].title, "launcher preloader "+origin+" /")
	})
}

// zombies are dead children of the launcher that it has not reaped.
func (in *instance) zombies() (found []int) {
	processes, err := proc.Processes()
	if err != nil {
		in.t.Fatal(err)
	}
	for _, p := range processes.Descendants(in.cmd.Process.Pid) {
		if p.Zombie() {
			found = append(found, p.Pid)
		}
	}
	return found
}

// quiet checks that nothing went wrong, and that everything ends.
func (in *instance) quiet() {
	in.t.Helper()
	if n := in.count("worker died|refork failed|given up|level=ERROR"); n != 0 {
		in.t.Errorf("%d lines of trouble", n)
	}
	in.waitFor("zombies to be reaped", func() bool { return len(in.zombies()) == 0 })
	in.signal(syscall.SIGTERM)
	if status := in.wait(); status != exitOK {
		in.t.Errorf("exit status %d", status)
	}
	if found := in.processes(); len(found) != 0 {
		in.t.Errorf("it left %+v", found)
	}
}

// TestReforkOfTheBlog: nothing is chosen, the blog is asked for its pages all the time, and no request fails.
func TestReforkOfTheBlog(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "blog"), args: []string{"4"}, defaults: true}).serving()
	visitors := visit(4, "/posts", in.sockets(4)...)
	for n := range preforker.AutoRefork().After {
		if arrived := in.waitLines(lineArrived, n+1); arrived[1] != strconv.Itoa(n+1) {
			t.Errorf("refork %s is number %d", arrived[1], n+1)
		}
	}
	if len(visitors.end(t, 0)) == 0 {
		t.Error("nobody asked")
	}
	in.all(fmt.Sprintf("gen=1 refork=%d", len(preforker.AutoRefork().After)), 4)
	if rows := ask(t, in.socket(0), "/rows?token=x").body; !strings.Contains(rows, `"read":"x"`) {
		t.Errorf("/rows answers %s", rows)
	}
	in.quiet()
}

// TestReforkSavesMemory: the workers have less of their own after the same requests.
func TestReforkSavesMemory(t *testing.T) {
	t.Parallel()
	const workers, requests = 3, 30
	in := reforking(t, copyApp(t, "blog"), strconv.Itoa(requests+1), workers)
	sum := func() (private uint64) {
		for slot := range workers {
			for range requests {
				if a := ask(t, in.socket(slot), "/posts"); a.err != nil || a.status != 200 {
					t.Fatalf("%v", a)
				}
			}
			usage, err := proc.Of(in.worker(slot))
			if err != nil {
				t.Fatal(err)
			}
			private += usage.Private
		}
		return private
	}
	before := sum()
	if a := ask(t, in.socket(1), "/posts"); a.status != 200 {
		t.Fatalf("%v", a)
	}
	in.waitLine(lineBorn)
	visitors := visit(1, "/posts", in.sockets(workers)...)
	in.waitLine(lineArrived)
	visitors.end(t, 0)
	in.all("gen=1 refork=1", workers)
	after := sum()
	t.Logf("%d workers had %d kB of their own, and have %d kB", workers, before>>10, after>>10)
	if after*10 > before*8 {
		t.Errorf("%d workers had %d kB of their own, and have %d kB", workers, before>>10, after>>10)
	}
	in.quiet()
}

func TestReforkNever(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, ""), "never", 2)
	in.all("gen=1", 2)
	before := in.titled("launcher ")
	in.warm(0, 200)
	in.warm(1, 200)
	in.all("gen=1", 2)
	if after := in.titled("launcher "); !slices.EqualFunc(before, after, func(a, b process) bool { return a.pid == b.pid }) {
		t.Errorf("the processes were %+v and are %+v", before, after)
	}
	if n := in.count("refork"); n != 0 {
		t.Errorf("%d lines about it", n)
	}
}

// TestReforkList: each number counts the requests of one worker, and what is born has what was served.
func TestReforkList(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, ""), "5,20", 2)
	in.warm(1, 5)
	in.waitLine(lineBorn)
	in.forks(0, "gen=1 refork=1")
	if a := ask(t, in.socket(0), "/"); !a.is("6") {
		t.Errorf("the first: %v", a)
	}
	in.waitLine(lineArrived)
	in.all("gen=1 refork=1", 2)
	for want := range 20 {
		if a := ask(t, in.socket(1), "/"); !a.is(strconv.Itoa(want + 6)) {
			t.Errorf("in slot 1, after %d: %v", want, a)
		}
	}
	in.waitLines(lineBorn, 2)
	in.forks(0, "gen=1 refork=2")
	in.warm(0, 1)
	in.waitLines(lineArrived, 2)
	in.all("gen=1 refork=2", 2)
	if a := ask(t, in.socket(1), "/"); !a.is("26") {
		t.Errorf("the last: %v", a)
	}
	in.quiet()
	if ran := bye(t, in.root); len(ran) != 1 || ran[0] != in.waitLines(lineBorn, 2)[2] {
		t.Errorf("exit handlers ran in %q", ran)
	}
}

// TestReforkDeclined by auto, where requests made what would not survive. Who chooses himself is not asked.
func TestReforkDeclined(t *testing.T) {
	t.Parallel()
	for what, action := range map[string]string{
		"socket": "$kept ||= UNIXSocket.pair",
		"thread": "$kept ||= Thread.new { sleep }",
	} {
		t.Run(what, func(t *testing.T) {
			root := countingApp(t, `"/keep" => -> { `+action+` }`)
			in := reforking(t, root, "auto", 2)
			for _, socket := range in.sockets(2) {
				ask(t, socket, "/keep")
			}
			in.warm(0, 20)
			in.waitLine(`level=INFO msg="no refork of this worker: it has what others must not inherit; another one is tried later" gen=1 refork=1 slot=0`)
			in.waitLine(`level=INFO msg="in the way of a refork: a worker (opened a socket|started a thread) .*gen=1 kind=` + what)
			in.warm(1, 100)
			in.all("gen=1", 2)
			in.quiet()

			in = reforking(t, root, "10", 2)
			ask(t, in.socket(0), "/keep")
			in.tried(10)
		})
	}
}

// TestReforkTriesAnother: a thread that one mail has left behind is in one worker alone.
func TestReforkTriesAnother(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, `"/mail" => -> { $mail ||= Thread.new { sleep } }`), "auto", 2)
	ask(t, in.socket(0), "/mail")
	in.warm(0, 15)
	in.waitLine(`level=INFO msg="no refork of this worker: it has what others must not inherit; another one is tried later" gen=1 refork=1 slot=0`)
	in.warm(1, 15)
	in.waitLine(`msg="refork asked for" slot=1 gen=1`)
	in.waitLine(lineBorn)
}

// TestReforkHandsOnNoState: what a request does to its process ends with that process.
func TestReforkHandsOnNoState(t *testing.T) {
	t.Parallel()
	root := countingApp(t, `"/change" => -> { Dir.chdir("/"); File.umask(0); ENV["CHANGED"] = "yes"; Signal.trap("USR1") {} },
		"/same" => -> { raise "changed" unless [Dir.pwd, File.umask, ENV["CHANGED"], Signal.trap("USR1", "DEFAULT")] == BOOT }`)
	config := filepath.Join(root, "config.ru")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	text = append([]byte("BOOT = [Dir.pwd, File.umask, nil, 'DEFAULT']\n"), text...)
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	in := reforking(t, root, "10", 2)
	if a := ask(t, in.socket(0), "/same"); a.status != 200 {
		t.Fatalf("%v", a)
	}
	ask(t, in.socket(0), "/change")
	in.tried(10)
	for slot := range 2 {
		in.warm(slot, 1)
	}
	in.waitLine(lineArrived)
	for slot := range 2 {
		if a := ask(t, in.socket(slot), "/same"); a.status != 200 {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
}

// TestReforkPassesOverTheUnfit: others may be the origin.
func TestReforkPassesOverTheUnfit(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, `"/camera" => -> { PreforkLauncher.unfit_for_refork!("it has opened the camera") }`), "auto", 2)
	ask(t, in.socket(0), "/camera")
	in.warm(0, 15)
	in.waitLine(`level=INFO msg="worker is passed over for a refork: the application says so: it has opened the camera" slot=0 gen=1 pid=` + strconv.Itoa(in.worker(0)))
	in.warm(1, 15)
	in.forks(0, "gen=1 refork=2")
	in.warm(0, 1)
	in.waitLine(lineArrived)
	in.all("gen=1 refork=2", 2)
	in.quiet()
}

// TestReforkWhoseFirstRequestFails: the slot gets a worker of the older preloader again.
func TestReforkWhoseFirstRequestFails(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, `"/raise" => -> { raise "on purpose" }`), "10", 2)
	in.tried(10)
	if a := ask(t, in.socket(0), "/raise?id=7"); a.status != 500 {
		t.Errorf("%v", a)
	}
	in.waitLine(`level=WARN msg="refork is given up; the preloader before it serves on" gen=1 refork=1 reason="its first request was answered with status 500: GET /raise`)
	in.all("gen=1", 2)
	if a := ask(t, in.socket(0), "/"); !a.is("1") {
		t.Errorf("%v", a)
	}
}

// TestReforkIsKilled before its workers are everywhere: the slots come back.
func TestReforkIsKilled(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, ""), "10", 2)
	kill(t, in.tried(10), syscall.SIGKILL)
	in.waitLine(`level=ERROR msg="preloader died; its workers serve on" gen=1 refork=1 exit="signal SIGKILL"`)
	in.all("gen=1", 2)
	if n := in.count(`is loading the application" gen=2`); n != 0 {
		t.Error("the application was loaded again")
	}
}

// TestReforkOutlivesItsElder: the older preloader is killed in the middle, and what there is serves.
func TestReforkOutlivesItsElder(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, `"/raise" => -> { raise "on purpose" }`), "10", 2)
	elder := in.titled("launcher preloader gen=1 ")[0].pid
	in.tried(10)
	kill(t, elder, syscall.SIGKILL)
	in.waitLine(`msg="preloader died; its workers serve on" gen=1 exit="signal SIGKILL"`)
	ask(t, in.socket(0), "/raise")
	in.all("gen=1 refork=1", 2)
	if n := in.count(`is loading the application" gen=2`); n != 0 {
		t.Error("the application was loaded again")
	}
}

// TestRestartInTheMiddleOfARefork, which is over then.
func TestRestartInTheMiddleOfARefork(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, ""), "10", 2)
	elder := in.titled("launcher preloader gen=1 ")[0].pid
	born := in.tried(10)
	in.signal(syscall.SIGHUP)
	in.reached(2)
	in.all("gen=2", 2)
	if ran := bye(t, in.root); len(ran) != 1 || ran[0] != strconv.Itoa(elder) && ran[0] != strconv.Itoa(born) {
		t.Errorf("exit handlers ran in %q, of %d and %d", ran, elder, born)
	}
	in.warm(1, 10)
	in.forks(0, "gen=2 refork=1")
	in.warm(0, 1)
	in.all("gen=2 refork=1", 2)
	in.quiet()
	if ran := bye(t, in.root); len(ran) != 2 {
		t.Errorf("exit handlers ran in %q", ran)
	}
}

// TestStopInTheMiddleOfARefork has one preloader run the exit handlers.
func TestStopInTheMiddleOfARefork(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, ""), "10", 2)
	in.tried(10)
	in.quiet()
	if ran := bye(t, in.root); len(ran) != 1 {
		t.Errorf("exit handlers ran in %q", ran)
	}
}

// askedWhileBusy is a worker of slot 0 that was asked for a preloader and has a request in hand, until there is
// a file "go" in its folder.
func askedWhileBusy(t *testing.T) (in *instance, long *queued) {
	t.Helper()
	root := countingApp(t, `"/wait" => -> { sleep 0.005 until File.exist?("go") },
		"/orphan" => -> { Process.wait(spawn("sh", "-c", "true & echo $! >orphan")) }`)
	in = reforking(t, root, "1", 2)
	in.warm(0, 1)
	if in.count(lineAsked) == 0 { // the answer is out before the launcher has looked
		long = queue(t, in.socket(0), "/wait")
		in.waitLine(lineAsked)
		return in, long
	}
	t.Fatal("the worker was asked too early for this test")
	return nil, nil
}

// TestReforkWhileARequestIsInHand begins when that is done. Until then the new one's pid is not known: what the
// application leaves behind meanwhile is buried later.
func TestReforkWhileARequestIsInHand(t *testing.T) {
	t.Parallel()
	in, long := askedWhileBusy(t)
	if a := ask(t, in.socket(1), "/orphan"); !a.is("1") {
		t.Errorf("%v", a)
	}
	if n := in.count(lineBorn); n != 0 {
		t.Error("it was born too early")
	}
	write(t, filepath.Join(in.root, "go"), "")
	if a := long.answer(); !a.is("2") {
		t.Errorf("%v", a)
	}
	in.waitLine(lineBorn)
	in.forks(0, "gen=1 refork=1")
	in.warm(0, 1)
	in.all("gen=1 refork=1", 2)
	in.quiet()
}

// TestReforkOfAWorkerThatIsKilled is none, and another is made later.
func TestReforkOfAWorkerThatIsKilled(t *testing.T) {
	t.Parallel()
	in, long := askedWhileBusy(t)
	kill(t, in.worker(0), syscall.SIGKILL)
	if a := long.answer(); a.err == nil {
		t.Errorf("%v", a)
	}
	in.waitLine(`level=WARN msg="refork failed; the preloader serves on" gen=1 refork=1 reason="the worker left before it had begun"`)
	in.all("gen=1", 2)
	in.waitFor("zombies to be reaped", func() bool { return len(in.zombies()) == 0 })
}

// TestStopWhileAReforkIsAskedFor lets the request end, and nothing is born.
func TestStopWhileAReforkIsAskedFor(t *testing.T) {
	t.Parallel()
	in, long := askedWhileBusy(t)
	in.signal(syscall.SIGTERM)
	in.waitLine(`msg=stopping`)
	write(t, filepath.Join(in.root, "go"), "")
	if a := long.answer(); !a.is("2") {
		t.Errorf("%v", a)
	}
	in.gone(exitOK)
	if ran := bye(t, in.root); in.count(lineBorn) != 0 || len(ran) != 1 {
		t.Errorf("%d births, exit handlers ran in %q", in.count(lineBorn), ran)
	}
}

// TestRestartWhileAReforkIsAskedFor: what was asked of the older code is of no use any more.
func TestRestartWhileAReforkIsAskedFor(t *testing.T) {
	t.Parallel()
	in, long := askedWhileBusy(t)
	in.signal(syscall.SIGHUP)
	in.reached(2)
	write(t, filepath.Join(in.root, "go"), "")
	if a := long.answer(); !a.is("2") {
		t.Errorf("%v", a)
	}
	in.all("gen=2", 2)
	if in.count("refork failed") != 0 {
		t.Error("it is told as a failure")
	}
	in.quiet()
}

// TestReforkTakesTooLong behind a request that never ends, and is no more when that ends after all.
func TestReforkTakesTooLong(t *testing.T) {
	t.Parallel()
	root := countingApp(t, `"/wait" => -> { sleep 0.005 until File.exist?("go") }`)
	in := start(t, startOptions{root: root, args: []string{"2", "--refork-after", "1", "--boot-timeout", "3s", "--log-level", "debug"}}).serving()
	in.warm(0, 1)
	long := queue(t, in.socket(0), "/wait")
	in.waitLine(lineAsked)
	in.waitLine(`msg="refork takes too long" gen=1 refork=1 timeout=3s`)
	write(t, filepath.Join(root, "go"), "")
	if a := long.answer(); !a.is("2") {
		t.Errorf("%v", a)
	}
	in.waitLine(`level=WARN msg="refork failed; the preloader serves on" gen=1 refork=1 .*reason="boot timeout"`)
	in.all("gen=1", 2)
	if n := in.count(lineBorn); n != 0 {
		t.Error("it was born all the same")
	}
}
