//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestClusterLighttpd: the same behind lighttpd, which leads to the HTTP fronts of the hosts. It has no requests repeated, so those
// are lost that a host had in its hands when it was lost, GETs among them; a host that is stopped in order loses none.
func TestClusterLighttpd(t *testing.T) {
	t.Parallel()
	if !inNamespaces(t) {
		return
	}
	hosts := startHosts(t, 3, func(address string) []string {
		return []string{"--http", address + ":3000", "--trusted-proxy", near(address)}
	})
	words := append([]string{`"read-timeout" => 75`, `"read-timeout" => 4`}, recipeAddresses...)
	c := startClusterLighttpd(t, "server.bind = \"127.0.0.1\"\nserver.port = 8080\nserver.document-root = \"/var/empty\"\n"+
		recipeFile(t, "lighttpd/hosts.conf", words...))
	runCluster(t, startClusterLoad(t, c.url), hosts, append(lightEvents(hosts), hostEvent{
		name: "its line taken away, then stopped", host: hosts[0], lose: func() {
			c.reload(regexp.MustCompile(`(?m)^.*"one" .*$`).ReplaceAllString(c.config, ""))
			hosts[0].stop()
		}, bringBack: func() {
			hosts[0].start()
			c.reload(c.config)
		}}))
}

// TestClusterLighttpdPorts: the same, with FastCGI to the ports of the workers, as "launcher config" writes it.
func TestClusterLighttpdPorts(t *testing.T) {
	t.Parallel()
	if *clusterRequests < fewRequests {
		return // TestHosts has the way, TestClusterLighttpd the losses
	}
	if !inNamespaces(t) {
		return
	}
	args := []string{"config", "--full", "--port", "8080"}
	hosts := startHosts(t, 3, func(address string) []string {
		listen := fmt.Sprintf("%s:%d", address, hostPort)
		args = append(args, "--host", listen)
		return []string{"--listen", listen, "--listen-allow", near(address)}
	})
	text := output(t, hosts[0].root, append(args, strconv.Itoa(hostWorkers))...)
	c := startClusterLighttpd(t, strings.ReplaceAll(text, `"connect-timeout"`, `"read-timeout" => 4, "connect-timeout"`))
	runCluster(t, startClusterLoad(t, c.url), hosts, lightEvents(hosts))
}

// lightEvents are those that lighttpd is not told of.
func lightEvents(hosts []*host) []hostEvent {
	return []hostEvent{
		{name: "stopped in order", host: hosts[0], lose: hosts[0].stop, bringBack: hosts[0].start},
		{name: "killed", host: hosts[1], lose: hosts[1].kill, bringBack: hosts[1].start, mayLose: loadVisitors, alsoGETs: true},
		{name: "without a network", host: hosts[2], lose: hosts[2].disconnect, bringBack: hosts[2].connect, mayLose: loadVisitors, alsoGETs: true},
	}
}

// lighttpdCluster is a lighttpd that is told of another configuration while it runs.
type lighttpdCluster struct {
	t      *testing.T
	url    string
	config string
	file   string
	cmd    *exec.Cmd
}

func startClusterLighttpd(t *testing.T, config string) *lighttpdCluster {
	t.Helper()
	c := &lighttpdCluster{t: t, config: config, file: filepath.Join(t.TempDir(), "lighttpd.conf")}
	write(t, c.file, config)
	c.cmd = exec.Command(tool(t, "lighttpd"), "-D", "-f", c.file)
	c.url = runServer(t, c.cmd, 8080, config)
	return c
}

func (c *lighttpdCluster) reload(config string) {
	c.t.Helper()
	write(c.t, c.file, config)
	command(c.t, "lighttpd", "-tt", "-f", c.file)
	if err := c.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		c.t.Fatal(err)
	}
}
