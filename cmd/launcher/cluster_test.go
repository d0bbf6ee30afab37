//go:build linux

package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// clusterRequests is how many requests are made of three hosts while these come and go: "make cluster" makes 10,000.
var clusterRequests = flag.Int("requests", 400, "how many requests are made of a cluster")

const (
	inCluster   = "TEST_IN_CLUSTER"
	hostWorkers = 4
	hostPort    = 9000
	nearAddress = "198.18.0.1" // of where the web server and the name server are
)

// inNamespaces runs a test in network, mount and process namespaces of its own, and says whether this is that run. They
// end with it, and so do all processes and interfaces in them. Not as root, it is in a user namespace, too.
func inNamespaces(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inCluster) != "" {
		lan(t)
		return true
	}
	namespaces := []string{"--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"}
	if os.Geteuid() != 0 {
		namespaces = append([]string{"--user", "--map-root-user"}, namespaces...)
	}
	cmd := exec.Command(tool(t, "unshare"), append(namespaces, os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v",
		"-test.timeout", (5*patience).String(), "-requests", strconv.Itoa(*clusterRequests))...)
	cmd.Env = append(os.Environ(), inCluster+"=1")
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("in namespaces (root, or user namespaces, are needed for that): %v\n%s", err, said)
	}
	t.Logf("%s", said)
	return false
}

// lan makes what all hosts share: the loopback, an address for who is before them, and room for the names of namespaces.
func lan(t *testing.T) {
	t.Helper()
	command(t, "mount", "-t", "tmpfs", "tmpfs", "/run")
	command(t, "ip", "link", "set", "lo", "up")
	command(t, "ip", "addr", "add", nearAddress+"/32", "dev", "lo")
}

// command runs a program that has to succeed.
func command(t testing.TB, name string, args ...string) string {
	t.Helper()
	said, err := exec.Command(tool(t, name), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, said)
	}
	return string(said)
}

// host is one with a launcher: a network namespace that a pair of interfaces joins to that of the test. The addresses are
// those for benchmarks (RFC 2544).
type host struct {
	t       *testing.T
	name    string
	address string
	root    string
	args    []string // of its launcher
	in      *instance
}

// heldBoot is a file whose end clusterApp waits for while it loads.
const heldBoot = "held"

// clusterApp notes each request before it does anything.
const clusterApp = `
sleep 0.01 while File.exist?("` + heldBoot + `")
run(lambda { |env|
  id = env["QUERY_STRING"]
  File.open("begun", "a") { |file| file.syswrite("#{env["REQUEST_METHOD"]} #{id}\n") }
  sleep 0.01
  [200, { "content-type" => "text/plain" }, [id]]
})
`

// near is the other end of a host's cable: whom the host sees its requests come from.
func near(address string) string { return strings.TrimSuffix(address, "2") + "1" }

// startHosts starts hosts with a launcher each.
func startHosts(t *testing.T, count int, args func(address string) []string) []*host {
	t.Helper()
	var hosts []*host
	for n := 1; n <= count; n++ {
		h := &host{t: t, name: fmt.Sprintf("host%d", n), address: fmt.Sprintf("198.18.%d.2", n)}
		h.root = writeApp(t, map[string]string{"config.ru": clusterApp})
		h.args = append([]string{strconv.Itoa(hostWorkers)}, args(h.address)...)
		command(t, "ip", "netns", "add", h.name)
		command(t, "ip", "link", "add", h.name, "type", "veth", "peer", "name", "eth0", "netns", h.name)
		command(t, "ip", "addr", "add", near(h.address)+"/30", "dev", h.name)
		command(t, "ip", "link", "set", h.name, "up")
		h.ip("addr", "add", h.address+"/30", "dev", "eth0")
		h.ip("link", "set", "lo", "up")
		h.connect()
		hosts = append(hosts, h)
		h.launch()
	}
	for _, h := range hosts {
		h.in.serving()
	}
	return hosts
}

func (h *host) ip(args ...string) {
	h.t.Helper()
	command(h.t, "ip", append([]string{"-n", h.name}, args...)...)
}

// connect joins the host to the network. Its route goes with its interface.
func (h *host) connect() {
	h.t.Helper()
	h.ip("link", "set", "eth0", "up")
	h.ip("route", "replace", "default", "via", near(h.address))
}

// disconnect has the host's network be gone without a word.
func (h *host) disconnect() {
	h.t.Helper()
	h.ip("link", "set", "eth0", "down")
}

func (h *host) launch() {
	h.t.Helper()
	h.in = start(h.t, startOptions{root: h.root, program: tool(h.t, "ip"), args: append([]string{"netns", "exec", h.name, os.Args[0]}, h.args...)})
}

func (h *host) start() {
	h.t.Helper()
	h.launch()
	h.in.serving()
}

// stop ends its launcher in order.
func (h *host) stop() {
	h.t.Helper()
	h.in.signal(syscall.SIGTERM)
	if status := h.in.wait(); status != exitOK {
		h.t.Errorf("%s: exit status %d", h.name, status)
	}
}

// kill ends all its processes at once, as where its power is cut but for the kernel's last word.
func (h *host) kill() {
	h.t.Helper()
	for _, field := range strings.Fields(command(h.t, "ip", "netns", "pids", h.name)) {
		if pid, err := strconv.Atoi(field); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	h.in.wait()
}

// begun are the requests that its workers have begun, as often as they have: method and id.
func (h *host) begun() []string {
	h.t.Helper()
	text, err := os.ReadFile(filepath.Join(h.root, "begun"))
	if err != nil && !os.IsNotExist(err) {
		h.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// shares waits until the host has begun so many more.
func (h *host) shares(more int) {
	h.t.Helper()
	before := len(h.begun())
	h.in.waitFor("the share of "+h.name, func() bool { return len(h.begun()) >= before+more })
}

// begunTwice are the requests that more than one worker has begun, but for GETs.
func begunTwice(hosts []*host) []string {
	var all, twice []string
	for _, h := range hosts {
		all = append(all, h.begun()...)
	}
	slices.Sort(all)
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] && strings.HasPrefix(all[i], "POST") {
			twice = append(twice, all[i])
		}
	}
	return twice
}

// recipeFile is a file of the recipes, with other words in it. Each of them has to be there.
func recipeFile(t *testing.T, name string, words ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(sourceRoot(t), "cmd/launcher/recipes", name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(words); i += 2 {
		if !strings.Contains(string(text), words[i]) {
			t.Fatalf("%s has no %q", name, words[i])
		}
	}
	return strings.NewReplacer(words...).Replace(string(text))
}
