//go:build linux

package main

import (
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
	admin  string // its stats socket
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
	c := &haproxyCluster{t: t, admin: filepath.Join(folder, "admin.sock"), config: filepath.Join(folder, "dnsmasq.conf")}
	c.serveNames()
	text := recipeFile(t, "haproxy/haproxy.cfg", "10.0.0.2", nearAddress, "bind :80", "bind 127.0.0.1:8080", "/run/haproxy/admin.sock", c.admin)
	file := filepath.Join(folder, "haproxy.cfg")
	write(t, file, text)
	command(t, "haproxy", "-c", "-f", file)
	c.url = runServer(t, exec.Command(tool(t, "haproxy"), "-db", "-f", file), 8080, text)
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
	cmd.Env = append(os.Environ(), "HAPROXY_SOCKET="+c.admin)
	said, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("haproxy-host %q: %v: %s", args, err, said)
	}
	return string(said)
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
		{name: "the name server is gone", host: two, lose: c.loseNames, bringBack: func() { c.serveNames() }},
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
		return events[:3]
	}
	return events
}
