//go:build linux

package main

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"
)

// TestServersHosts: the workers are at ports of two hosts, and one of these goes away and comes back. The other one
// answers meanwhile, and both do afterwards.
func TestServersHosts(t *testing.T) {
	eachServer(t, func(t *testing.T, s webServer) {
		if s.name == "lighttpd" {
			return // it does better, which TestHosts holds
		}
		port := freePorts(t, servedWorkers)
		var hosts []*instance
		var args []string
		for n := range 2 {
			address := fmt.Sprintf("127.0.0.%d:%d", n+1, port)
			args = append(args, "--host", address)
			hosts = append(hosts, start(t, startOptions{root: copyApp(t, "hello"), args: []string{strconv.Itoa(servedWorkers), "--listen", address}}).serving())
		}
		url := s.run(t, hosts[0].root, args...)
		served := func(in *instance) (n uint64) {
			for _, slot := range in.status().Slots {
				for _, worker := range slot.Workers {
					n += worker.Served
				}
			}
			return n
		}
		both := startCrowd(4, url+"/")
		for _, in := range hosts {
			in.waitFor("its share of the requests", func() bool { return served(in) > 20 })
		}
		if statuses := both.end(); statuses.failed() > 0 {
			t.Errorf("both hosts were there: %v", statuses)
		}
		one := startCrowd(4, url+"/")
		hosts[1].signal(syscall.SIGTERM)
		hosts[1].gone(0)
		one.asked(t, 100)
		hosts[1] = start(t, startOptions{root: hosts[1].root, args: []string{strconv.Itoa(servedWorkers), "--listen", args[3]}}).serving()
		hosts[1].waitFor("its share again", func() bool { return served(hosts[1]) > 20 })
		// Some web servers give a request up where a port has refused it, and pass over that one from then on.
		if statuses := one.end(); statuses.failed() > statuses[200]/20 {
			t.Errorf("one host was taken away: %v", statuses)
		}
	})
}
