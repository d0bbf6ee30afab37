//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/control"
)

// TestPortsBehindLighttpd: restarts and killed workers go unnoticed over TCP as they do over unix sockets, and what is large arrives.
func TestPortsBehindLighttpd(t *testing.T) {
	t.Parallel()
	root := writeApp(t, map[string]string{"config.ru": `
		require "digest"
		run(lambda { |env|
		  return [200, {}, [Digest::MD5.hexdigest(env["rack.input"].read)]] if env["REQUEST_METHOD"] == "POST"
		  [200, {}, ["0123456789" * (env["PATH_INFO"] == "/large" ? 300_000 : 1)]]
		})`})
	in := start(t, startOptions{root: root, ports: 2, args: []string{"2"}}).serving()
	url := in.behindLighttpd(2, "--listen", in.socket(0))
	if exists(filepath.Join(in.root, "log", "fastcgi.socket-0")) {
		t.Error("there is a unix socket")
	}
	if status, body := get(t, url+"/large"); status != 200 || body != strings.Repeat("0123456789", 300_000) {
		t.Errorf("status %d, %d bytes", status, len(body))
	}
	if got := fetch(client(), "POST", url+"/", strings.NewReader(strings.Repeat("x", 3<<20))); got.err != nil || got.body != "c1887f0c970afa48194adf7f5c504696" {
		t.Errorf("%v, %s", got.err, got.body)
	}
	crowd := startCrowd(4, url+"/")
	crowd.asked(t, 20)
	in.signal(syscall.SIGHUP)
	in.rolled(1, 2, 2)
	crowd.asked(t, 20)
	if statuses := crowd.end(); statuses.failed() > 0 {
		t.Errorf("a restart: %v", statuses)
	}
	crowd = startCrowd(4, url+"/")
	crowd.asked(t, 20)
	kill(t, in.worker(0), syscall.SIGKILL)
	crowd.asked(t, 20)
	if statuses := crowd.end(); statuses.failed() > 1 {
		t.Errorf("a worker was killed: %v", statuses)
	}
	in.signal(syscall.SIGTERM)
	in.gone(0)
}

// TestPortsStop: what waits is served, nobody new gets in, and the ports are free afterwards. The status tells who waits.
func TestPortsStop(t *testing.T) {
	t.Parallel()
	in, gate, requests := hanging(t, 5, startOptions{ports: 2})
	status := in.statusWhen("the queue", func(s control.Status) bool { return s.Slots[0].Queue != nil && *s.Slots[0].Queue == 5 })
	if slot := status.Slots[1]; slot.Socket != in.socket(1) || !slot.Open || slot.Queue == nil || *slot.Queue != 0 {
		t.Errorf("%+v", slot)
	}
	in.signal(syscall.SIGTERM)
	in.waitLine(`"worker left" slot=1`)
	for _, socket := range in.sockets(2) {
		if listens(socket) {
			t.Errorf("%s is still there for new connections", socket)
		}
	}
	openGate(t, gate, "go")
	answered(t, requests)
	in.gone(0)
	for _, socket := range in.sockets(2) {
		l, err := net.Listen("tcp", socket)
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
	}
}

// TestPortsOfAKilledLauncher: what waits is served by the worker that it has left behind, and the next launcher has the same
// ports meanwhile, while that one is busy and what the application has forked is still there.
func TestPortsOfAKilledLauncher(t *testing.T) {
	t.Parallel()
	gate := filepath.Join(t.TempDir(), "go")
	root := writeApp(t, map[string]string{"config.ru": fmt.Sprintf(`
		run(lambda { |env|
		  if env["PATH_INFO"] == "/hang"
		    File.write("daemon.new", fork { Process.setsid; sleep }.to_s)
		    File.rename("daemon.new", "daemon")
		    sleep 0.005 until File.exist?(%q)
		  end
		  [200, {}, [Process.pid.to_s]]
		})`, gate)})
	in := start(t, startOptions{root: root, ports: 2, args: []string{"2"}}).serving()
	old := in.worker(0)
	requests := []*queued{queue(t, in.socket(0), "/hang")}
	in.waitFor("the fork of the request", func() bool { return exists(filepath.Join(root, "daemon")) })
	daemon := helper(t, root, "daemon")
	for range 3 {
		requests = append(requests, queue(t, in.socket(0), "/"))
	}
	in.killed()
	successor := start(t, startOptions{root: root, args: []string{"2", "--listen", in.socket(0)}}).serving()
	successor.port = in.port
	for slot := range 2 {
		if a := ask(t, in.socket(slot), "/"); a.status != 200 || a.pid() == old {
			t.Errorf("slot %d of the successor: %v", slot, a)
		}
	}
	write(t, gate, "")
	for i, q := range requests {
		if a := q.answer(); a.status != 200 || a.pid() != old {
			t.Errorf("request %d: %v, want %d", i, a, old)
		}
	}
	successor.waitFor("the old worker to leave", func() bool { return parentOf(old) == 0 })
	kill(t, daemon, syscall.SIGKILL)
	successor.signal(syscall.SIGTERM)
	successor.gone(0)
}

// TestPortGoesAndComesBack: a slot whose workers exit early refuses connections while it waits, and its neighbours get what
// waits in its queue.
func TestPortGoesAndComesBack(t *testing.T) {
	t.Parallel()
	root := failingApp(t)
	in := start(t, startOptions{root: root, ports: 2, args: []string{"2"}}).serving()
	for i, q := range in.queueAndFail(1, 5, filepath.Join(root, "failing"), "1") {
		if a := q.answer(); !a.is("alive") {
			t.Errorf("connection %d: %v", i, a)
		}
	}
	in.waitFor("the port to go", func() bool { return !listens(in.socket(1)) })
	remove(t, filepath.Join(root, "failing"))
	in.waitLines(`msg="worker is ready" slot=1`, 2)
	if a := ask(t, in.socket(1), "/"); !a.is("alive") {
		t.Errorf("%v", a)
	}
}

// TestFewWorkersServeAllPorts: the sockets of slots that have no worker yet are lent.
func TestFewWorkersServeAllPorts(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: countingApp(t, ""), ports: 6, args: []string{"6", "--refork-after", "5", "--seed-time", "5m"}, env: []string{"GOMAXPROCS=2"}})
	in.waitLine(`^6 slots are served`)
	visitors := visit(6, "/", in.sockets(6)...)
	in.serving()
	if n := len(visitors.end(t, 0)); n == 0 {
		t.Error("nobody asked")
	}
}

// TestPortInUse leaves nothing behind, and says which port it is, who has it, and what to do.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	port := freePorts(t, 3)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+2))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	in := refused{startOptions{root: copyApp(t, "hello"), args: []string{"3", "--listen", fmt.Sprintf("127.0.0.1:%d", port)}}, exitFailed,
		[]string{fmt.Sprintf(`bind 127\.0\.0\.1:%d: the process %d \(.*\) listens on port %d`, port+2, os.Getpid(), port+2), fmt.Sprintf(`stop it \(ps %d\), or choose another port with --listen`, os.Getpid())}}.run(t)
	if strings.Contains(in.log(), "loading") {
		t.Error("it has begun to load")
	}
}

// TestWhoMayConnectToPorts closes the connections of all others.
func TestWhoMayConnectToPorts(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), ports: 1, args: []string{"1", "--listen-allow", "127.0.0.2, 10.0.0.0/8"}}).serving()
	if a := ask(t, in.socket(0), "/"); a.err == nil {
		t.Errorf("this host was served: %v", a)
	}
	in.waitLine(`closed a connection from 127\.0\.0\.1, which --listen-allow does not name`)
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	conn, err := from.Dial("tcp", in.socket(0))
	if err != nil {
		t.Fatal(err)
	}
	if a := sendOver(t, conn, "/").answer(); !a.is("hello\n") {
		t.Errorf("who may connect: %v", a)
	}
}

// TestFrontBeforePorts: the launcher's own web server reaches the workers as another one does, where it may.
func TestFrontBeforePorts(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	args := []string{"1", "--http", "127.0.0.1:0", "--listen-allow"}
	in := start(t, startOptions{root: root, ports: 1, args: append(args, "127.0.0.1")})
	if status, body := get(t, in.waitLine(`is ready: (http://\S+)/$`)[1]+"/"); status != 200 || body != "hello\n" {
		t.Errorf("%d, %q", status, body)
	}
	in.signal(syscall.SIGTERM)
	in.gone(exitOK)
	refused{startOptions{root: root, ports: 1, args: append(args, "10.0.0.5")}, exitUsage,
		[]string{`read --listen-allow: --http connects from 127\.0\.0\.1, which is not named`, `--listen-allow 127\.0\.0\.1, too`}}.run(t)
}

// TestHosts: the workers of two launchers, as on two hosts, behind one lighttpd. When one of them ends with requests in its hands
// and its queue, the other one serves what comes then.
func TestHosts(t *testing.T) {
	t.Parallel()
	port := freePorts(t, 2)
	var hosts []*instance
	args := []string{}
	for n := range 2 {
		address := fmt.Sprintf("127.0.0.%d:%d", n+1, port)
		args = append(args, "--host", address)
		hosts = append(hosts, start(t, startOptions{root: copyApp(t, "hello"), args: []string{"2", "--listen", address}}).serving())
	}
	url := hosts[0].behindLighttpd(2, args...)
	crowd := startCrowd(8, url+"/")
	served := func(in *instance) (n uint64) {
		for _, slot := range in.status().Slots {
			for _, worker := range slot.Workers {
				n += worker.Served
			}
		}
		return n
	}
	for _, in := range hosts {
		in.waitFor("its share of the requests", func() bool { return served(in) > 20 })
	}
	hosts[1].signal(syscall.SIGTERM)
	hosts[1].gone(0)
	crowd.asked(t, 20)
	hosts[1] = start(t, startOptions{root: hosts[1].root, args: []string{"2", "--listen", args[3]}}).serving()
	hosts[1].waitFor("its share again", func() bool { return served(hosts[1]) > 20 })
	if statuses := crowd.end(); statuses.failed() > 0 {
		t.Errorf("one host was taken away in order: %v", statuses)
	}
}
