//go:build linux

package main

import (
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
)

// A storm has so many kills, each after so many responses since the one before.
const (
	stormKills     = 50
	stormResponses = 8
)

// TestStorm: a random worker is killed under load, again and again. A killed worker loses
// the one request in its hands; everybody else is served, none is refused.
func TestStorm(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		killPreloader bool
	}{{"workers", false}, {"workers and the preloader once", true}} {
		t.Run(test.name, func(t *testing.T) {
			const workers = 4
			in := start(t, startOptions{root: copyApp(t, "blog"), args: []string{strconv.Itoa(workers)}}).serving()
			url := in.behindLighttpd(workers)
			crowd := startCrowd(2*workers, url+"/posts")
			kills := 0
			for n := range stormKills {
				crowd.asked(t, stormResponses)
				if found := in.titled("launcher worker "); len(found) > 0 && syscall.Kill(found[rand.IntN(len(found))].pid, syscall.SIGKILL) == nil {
					kills++
				}
				if test.killPreloader && n == stormKills/3 {
					kill(t, in.preloader(), syscall.SIGKILL)
				}
			}
			statuses := crowd.end()
			t.Logf("%d workers killed: %v", kills, statuses)
			switch {
			case kills == 0:
				t.Error("there was no storm")
			case statuses.failed() > kills:
				t.Errorf("%d requests failed, more than %d kills: %v", statuses.failed(), kills, statuses)
			case statuses[503]+statuses[0] > 0:
				t.Errorf("some were refused: %v", statuses)
			}
			in.waitFor("every slot to have a worker", func() bool { return len(in.titled("launcher worker ")) == workers })
			if status, _ := get(t, url+"/posts"); status != 200 {
				t.Errorf("after the storm: %d", status)
			}
		})
	}
}
