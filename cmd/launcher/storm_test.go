//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// stormTime and killEvery are the storm: workers die under load, fast.
const (
	stormTime = 10 * time.Second
	killEvery = 200 * time.Millisecond
)

// TestStorm: every 200 ms a random worker is killed under load. A killed worker loses
// the one request in its hands; everybody else is served, none is refused.
func TestStorm(t *testing.T) {
	for _, test := range []struct {
		name          string
		killPreloader bool
	}{{"workers", false}, {"workers and the preloader once", true}} {
		t.Run(test.name, func(t *testing.T) {
			const workers = 4
			in := start(t, startOptions{root: copyApp(t, "blog"), args: []string{strconv.Itoa(workers)}}).serving()
			url := in.behindLighttpd(workers)

			wrk := exec.Command(tool(t, "wrk"), "-c8", "-t2", "-d"+stormTime.String(), "--timeout", fmt.Sprintf("%.0fs", patience.Seconds()),
				"-s", filepath.Join("..", "..", "testdata", "wrk", "statuses.lua"), url+"/posts")
			ended := make(chan struct{})
			var out []byte
			var err error
			go func() {
				defer close(ended)
				out, err = wrk.CombinedOutput()
			}()
			kills, preloaderKills := in.killUntil(ended, test.killPreloader)
			if err != nil {
				t.Fatalf("wrk: %v\n%s", err, out)
			}
			counts := readWrk(t, string(out))
			t.Logf("%d workers killed, %d preloaders: %v", kills, preloaderKills, counts)
			failed := counts["connect"] + counts["read"] + counts["write"] + counts["timeout"]
			for key, n := range counts {
				if status, err := strconv.Atoi(key); err == nil && status != 200 {
					failed += n
				}
			}
			switch {
			case counts["200"] == 0 || kills == 0:
				t.Error("there was no storm")
			case failed > kills:
				t.Errorf("%d requests failed, more than %d kills: %v", failed, kills, counts)
			case counts["503"]+counts["connect"] > 0:
				t.Errorf("some were refused: %v", counts)
			}
			in.waitFor("every slot to have a worker", func() bool { return len(in.titled("launcher worker ")) == workers })
			if status, _ := get(t, url+"/posts"); status != 200 {
				t.Errorf("after the storm: %d", status)
			}
		})
	}
}

// killUntil kills a random worker on every tick, and in the middle the preloader where
// that is wanted.
func (in *instance) killUntil(ended <-chan struct{}, preloader bool) (workers, preloaders int) {
	ticker := time.NewTicker(killEvery)
	defer ticker.Stop()
	for tick := 1; ; tick++ {
		select {
		case <-ended:
			return workers, preloaders
		case <-ticker.C:
		}
		if found := in.titled("launcher worker "); len(found) > 0 {
			if syscall.Kill(found[rand.IntN(len(found))].pid, syscall.SIGKILL) == nil {
				workers++
			}
		}
		if preloader && tick == int(stormTime/killEvery/3) {
			if syscall.Kill(in.preloader(), syscall.SIGKILL) == nil {
				preloaders++
			}
		}
	}
}

var (
	wrkStatus = regexp.MustCompile(`(?m)^status (\d+): (\d+)$`)
	wrkErrors = regexp.MustCompile(`(\w+)=(\d+)`)
)

// readWrk reads what statuses.lua prints.
func readWrk(t *testing.T, out string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, match := range append(wrkStatus.FindAllStringSubmatch(out, -1), wrkErrors.FindAllStringSubmatch(out, -1)...) {
		n, err := strconv.Atoi(match[2])
		if err != nil {
			t.Fatal(err)
		}
		counts[match[1]] = n
	}
	if _, ok := counts["timeout"]; !ok {
		t.Fatalf("wrk said:\n%s", out)
	}
	return counts
}
