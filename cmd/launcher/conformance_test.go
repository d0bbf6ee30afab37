//go:build linux

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"launcher/fcgi"
	"launcher/fcgi/conformance"
)

// probing is the blog with the probe application beside it, and with the responder's time limits shortened: nothing waits for a
// minute here. What the limits are by default is held by the tests of the Ruby side.
const probing = `
require %q
require_relative "config/environment"

PreforkLauncher::FastCGI.module_eval do
  limits = const_get(:LIMIT_DEFAULTS).merge(head_seconds: 4, write_seconds: 5)
  remove_const(:LIMIT_DEFAULTS)
  const_set(:LIMIT_DEFAULTS, limits.freeze)
end

probe = Probe.new
run ->(env) { env["REQUEST_URI"].start_with?("/conformance") ? probe.call(env) : Rails.application.call(env) }
`

// TestConformance: a worker passes every case, under a light load, and lives.
func TestConformance(t *testing.T) {
	t.Parallel()
	const slots = 4
	root := copyApp(t, "blog")
	write(t, filepath.Join(root, "probing.ru"), fmt.Sprintf(probing, filepath.Join(sourceRoot(t), "testdata", "probe", "probe.rb")))
	in := start(t, startOptions{root: root, args: []string{"4", "--rackup", "probing.ru"}}).serving()
	var workers []int
	for slot := range slots {
		workers = append(workers, in.worker(slot))
	}
	crowd := visit(1, "/posts", in.sockets(slots)...)

	// Those that wait for a time limit have the other slots, and wait at once.
	parts := make([][]conformance.Case, slots)
	waiting := 0
	for _, c := range conformance.Cases() {
		slot := 0
		if c.Waits {
			slot = 1 + waiting%(slots-1)
			waiting++
		}
		parts[slot] = append(parts[slot], c)
	}
	var running sync.WaitGroup
	for slot, cases := range parts {
		running.Go(func() {
			suite := conformance.Suite{Echo: true, Timeout: patience, Deadline: patience, Target: conformance.Target{
				Network: "unix", Address: in.socket(slot), Params: fcgi.Params{{Name: "REQUEST_URI", Value: "/conformance"}}}}
			results, err := suite.Run(context.Background(), cases)
			if err != nil || len(results) != len(cases) {
				t.Errorf("slot %d: %d of %d cases were run: %v", slot, len(results), len(cases), err)
			}
			for _, r := range results {
				if r.Outcome != conformance.Passed || strings.Contains(r.Got, "; the process was") {
					t.Errorf("%s: %s: %s: %s", r.Case.ID, r.Case.Title, r.Outcome, r.Got)
				}
			}
		})
	}
	running.Wait()
	crowd.end(t, 0)
	for slot, pid := range workers {
		if now := in.worker(slot); now != pid {
			t.Errorf("the worker of slot %d was %d, and is %d", slot, pid, now)
		}
	}
}
