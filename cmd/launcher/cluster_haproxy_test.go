//go:build linux

package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestClusterHAProxy: three hosts behind HAProxy, as the recipe has it. Hosts are taken out and come back, in order and not: no GET
// fails, and of all other requests those alone that a worker has had in its hands when its host was lost. None is begun twice.
func TestClusterHAProxy(t *testing.T) {
	t.Parallel()
	if !inNamespaces(t) {
		return
	}
	hosts := startHosts(t, 3, func(address string) []string {
		return []string{"--listen", address + ":9000", "--listen-allow", near(address), "--metrics", address + ":9397"}
	})
	c := startHAProxy(t)
	c.hasWorkers(3 * hostWorkers)
	load := startClusterLoad(t, c.url)
	runCluster(t, load, hosts, c.events(hosts, load))
}

// hostEvent is a way to lose a host, or something else, and to have it back.
type hostEvent struct {
	name      string
	host      *host
	lose      func()
	bringBack func()
	mayLose   int // of the requests that may not be repeated: those that a worker has in its hands
	alsoGETs  bool
}

// fewRequests is up to how many the events are those alone that hosts are lost by.
const fewRequests = 1000

// runCluster has one event after the other happen under load, and holds what is promised of all requests.
func runCluster(t *testing.T, load *clusterLoad, hosts []*host, events []hostEvent) {
	t.Helper()
	share := *clusterRequests / (len(events) + 1)
	load.phase("all hosts are there")
	load.asked(share)
	for _, event := range events {
		load.phase(event.name)
		event.lose()
		load.settled()
		load.asked(share / 2)
		event.bringBack()
		event.host.shares(1)
		load.asked(share - share/2)
	}
	load.end()
	t.Logf("\n%s", load.table())
	checkCluster(t, load, hosts, events)
}

// checkCluster holds what is promised of all requests.
func checkCluster(t *testing.T, load *clusterLoad, hosts []*host, events []hostEvent) {
	t.Helper()
	for _, during := range load.phases {
		may, mayGET := 0, 0
		if at := slices.IndexFunc(events, func(e hostEvent) bool { return e.name == during }); at >= 0 {
			if may = events[at].mayLose; events[at].alsoGETs {
				mayGET = may
			}
		}
		if lost := load.lost(http.MethodGet, during); len(lost) > mayGET {
			t.Errorf("%s: lost GETs: %+v, want %d at most", during, lost, mayGET)
		}
		if lost := load.lost(http.MethodPost, during); len(lost) > may {
			t.Errorf("%s: lost POSTs: %+v, want %d at most", during, lost, may)
		}
	}
	if twice := begunTwice(hosts); len(twice) > 0 {
		t.Errorf("begun more than once: %q", twice)
	}
}

// haproxyCluster is HAProxy with the recipe's configuration, and a name server.
type haproxyCluster struct {
	t      *testing.T
	url    string
	cmd    *exec.Cmd // its master
	admin  string    // its stats socket
	state  string    // what it reads as it comes up
	dns    *exec.Cmd
	config string // of the name server
}

// recipeAddresses has the recipe lead to the hosts of the test.
var recipeAddresses = []string{"10.0.0.2", nearAddress, "10.0.0.11", "198.18.1.2", "10.0.0.12", "198.18.2.2", "10.0.0.13", "198.18.3.2"}

func startHAProxy(t *testing.T) *haproxyCluster {
	t.Helper()
	folder, err := os.MkdirTemp("", "la") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	c := &haproxyCluster{t: t, admin: filepath.Join(folder, "admin.sock"), state: filepath.Join(folder, "state"), config: filepath.Join(folder, "dnsmasq.conf")}
	c.serveNames()
	text := recipeFile(t, "haproxy/haproxy.cfg", "10.0.0.2", nearAddress, "bind :80", "bind 127.0.0.1:8080", "/run/haproxy/admin.sock", c.admin,
		"/run/haproxy/state", c.state, "    user haproxy\n    group haproxy\n", "") // not root in a namespace of users can be nobody else
	file := filepath.Join(folder, "haproxy.cfg")
	write(t, file, text)
	command(t, "haproxy", "-c", "-f", file)
	c.cmd = exec.Command(tool(t, "haproxy"), "-W", "-db", "-f", file)
	c.url = runServer(t, c.cmd, 8080, text)
	return c
}

// serveNames runs the name server. Lines that match are left out of its records.
func (c *haproxyCluster) serveNames(without ...string) {
	c.t.Helper()
	text := recipeFile(c.t, "haproxy/dnsmasq.conf", recipeAddresses...)
	for _, host := range without {
		text = regexp.MustCompile(`(?m)^.*\b`+host+`\b.*$`).ReplaceAllString(text, "")
	}
	write(c.t, c.config, text)
	c.dns = exec.Command(tool(c.t, "dnsmasq"), "--no-daemon", "--conf-file="+c.config, "--pid-file=") // which stays the user that it is
	c.dns.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var log lockedBuffer
	c.dns.Stderr = &log
	if err := c.dns.Start(); err != nil {
		c.t.Fatal(err)
	}
	dns := c.dns
	c.t.Cleanup(func() {
		_ = dns.Process.Kill()
		_ = dns.Wait()
		if c.t.Failed() {
			c.t.Logf("dnsmasq said: %s", log.String())
		}
	})
}

// loseNames ends the name server.
func (c *haproxyCluster) loseNames() {
	c.t.Helper()
	_ = c.dns.Process.Kill()
	_ = c.dns.Wait()
}

// script runs haproxy-host.
func (c *haproxyCluster) script(args ...string) string {
	c.t.Helper()
	cmd := exec.Command(filepath.Join(sourceRoot(c.t), "cmd/launcher/recipes/haproxy/haproxy-host"), args...)
	cmd.Env = append(os.Environ(), "HAPROXY_SOCKET="+c.admin, "HAPROXY_STATE="+c.state)
	said, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("haproxy-host %q: %v: %s", args, err, said)
	}
	return string(said)
}

// process is the pid of the HAProxy that serves, "" while none answers.
func (c *haproxyCluster) process() string {
	conn, err := net.Dial("unix", c.admin)
	if err != nil {
		return ""
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "show info\n")
	said, _ := io.ReadAll(conn)
	if pid := regexp.MustCompile(`(?m)^Pid: (\d+)$`).FindSubmatch(said); pid != nil {
		return string(pid[1])
	}
	return ""
}

// reload has HAProxy read its configuration once more, as systemd does, and waits until the process before has left.
func (c *haproxyCluster) reload() {
	c.t.Helper()
	before := c.process()
	c.script("save")
	if err := c.cmd.Process.Signal(syscall.SIGUSR2); err != nil {
		c.t.Fatal(err)
	}
	waitFor(c.t, "another process to serve, and the one before to leave", func() bool {
		now := c.process()
		return now != "" && now != before && !exists("/proc/"+before)
	})
}

// hasWorkers waits until HAProxy knows so many workers, and all are up.
func (c *haproxyCluster) hasWorkers(count int) {
	c.t.Helper()
	waitFor(c.t, "the workers that DNS tells of", func() bool {
		return strings.Count(c.script("show"), " UP ") == count && strings.Count(c.script("show"), "\n") == count
	})
}

func (c *haproxyCluster) events(hosts []*host, load *clusterLoad) []hostEvent {
	one, two, three := hosts[0], hosts[1], hosts[2]
	events := []hostEvent{
		{name: "drained, then stopped", host: one, lose: func() {
			c.script("drain", one.address)
			drained := len(one.begun())
			load.asked(20)
			if now := len(one.begun()); now != drained {
				c.t.Errorf("a drained host has served %d requests", now-drained)
			}
			one.stop()
		}, bringBack: func() {
			one.start()
			c.script("ready", one.address)
		}},
		{name: "reloaded without a name server", host: two, lose: func() {
			c.loseNames()
			c.reload()
		}, bringBack: func() { c.serveNames() }},
		{name: "killed", host: three, lose: three.kill, bringBack: func() {
			// It gets no request while it loads, although its ports are there.
			held := filepath.Join(three.root, heldBoot)
			write(c.t, held, "")
			three.launch()
			three.in.waitLine("preloader is loading")
			load.asked(100)
			load.settled()
			if err := os.Remove(held); err != nil {
				c.t.Fatal(err)
			}
			three.in.serving()
		}, mayLose: hostWorkers},
		{name: "without a network", host: one, lose: one.disconnect, bringBack: one.connect, mayLose: hostWorkers},
		{name: "stopped without a word to HAProxy", host: two, lose: two.stop, bringBack: two.start},
		{name: "taken out of DNS, then stopped", host: three, lose: func() {
			c.loseNames()
			c.serveNames("three.shop.internal")
			c.hasWorkers(2 * hostWorkers)
			three.stop()
		}, bringBack: func() {
			three.start()
			c.loseNames()
			c.serveNames()
			c.hasWorkers(3 * hostWorkers)
		}},
	}
	if *clusterRequests < fewRequests {
		return events[:4]
	}
	return events
}

// TestDrainWithoutHAProxy: a drain whose HAProxy is gone meanwhile is none that is done, and who is not there is named.
func TestDrainWithoutHAProxy(t *testing.T) {
	t.Parallel()
	folder := shortFolder(t)
	admin := filepath.Join(folder, "admin.sock")
	drain := func() (int, string) {
		cmd := exec.Command(filepath.Join(sourceRoot(t), "cmd/launcher/recipes/haproxy/haproxy-host"), "drain", "10.0.0.11")
		cmd.Env = append(os.Environ(), "HAPROXY_SOCKET="+admin)
		said, _ := cmd.CombinedOutput()
		return cmd.ProcessState.ExitCode(), string(said)
	}
	wants := func(when string) {
		t.Helper()
		if status, said := drain(); status != 1 || !strings.Contains(said, "haproxy-host: nobody answers at "+admin) {
			t.Errorf("%s: exit status %d: %s", when, status, said)
		}
	}
	wants("nobody is there")
	listener, err := net.Listen("unix", admin)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		for _, answer := range []string{"1\n# be_id be_name srv_id srv_name srv_addr\n3 shop 1 worker1 10.0.0.11 2 0\n\n", "\n"} {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadString('\n')
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
		_ = listener.Close()
	}()
	wants("it leaves after it was told")
	<-answered
}
