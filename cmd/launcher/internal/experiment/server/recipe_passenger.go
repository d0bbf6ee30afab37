//go:build linux

package server

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// passenger returns the recipe of Passenger Standalone with its own HTTP engine.
//
// As a daemon, because in the foreground a Ruby process and a "tail -f" of the
// application's log stay as well, which no site needs and which would be counted.
// The preloader stays (by default it leaves after five idle minutes), so that a long
// experiment measures the same as a short one. Turbocaching is off: every request is
// to reach a worker.
func (s *Spec) passenger(installed Installed) *recipe {
	socket, pidFile := s.path(socketName), s.path("passenger.pid")
	arguments := []string{"start", "--daemonize", "--engine", "builtin", "--socket", socket,
		"--environment", s.App.Environment, "--ruby", cmp.Or(s.App.Ruby, "ruby"),
		"--app-type", "rack", "--startup-file", s.path(wrapperName), "--spawn-method", "smart",
		"--min-instances", number(s.Workers), "--max-pool-size", number(s.Workers), "--max-preloader-idle-time", "0",
		"--start-timeout", number(max(1, int(s.Timeout/time.Second))),
		"--no-friendly-error-pages", "--disable-turbocaching", "--disable-security-update-check", "--disable-anonymous-telemetry",
		"--ctls", "prestart_urls=[]",
		"--instance-registry-dir", s.Dir, "--pid-file", pidFile, "--log-file", s.path(LogName)}
	return &recipe{
		command: append([]string{installed.Program}, arguments...), typed: append([]string{"passenger"}, arguments...),
		stopSignal: syscall.SIGTERM, backends: []Backend{{Socket: socket}}, pidFile: pidFile,
		ready: &pool{registry: s.Dir, count: s.Workers, socket: socket},
	}
}

// spawnFailure is in a line of Passenger's log when a worker could not be started. It
// stays up then, and tries again with each request.
const spawnFailure = "Could not spawn process"

// pool is the readiness of Passenger: it asks the core how many workers there are, over the
// socket that passenger-status uses.
type pool struct {
	registry string
	count    int
	socket   string // that it serves at
	instance string
	asked    time.Time
	woken    chan struct{} // closed when wake has ended
}

// poolTick is how often the core is asked while it starts workers.
const poolTick = 30 * time.Millisecond

func (p *pool) line(text string) error {
	if strings.Contains(text, spawnFailure) {
		return errors.New("a worker could not be started")
	}
	return nil
}

func (p *pool) up(ctx context.Context) bool {
	if time.Since(p.asked) < poolTick {
		return false
	}
	p.asked = time.Now()
	if p.woken == nil {
		found, err := filepath.Glob(filepath.Join(p.registry, "passenger.*", "creation_finalized"))
		if err != nil || len(found) == 0 {
			return false
		}
		p.instance = filepath.Dir(found[0])
		p.woken = make(chan struct{})
		go p.wake(ctx)
	}
	select {
	case <-p.woken:
		return p.enabled(ctx) == p.count
	default:
		return false
	}
}

func (p *pool) close() {
	if p.woken != nil {
		<-p.woken
	}
}

// wake has the core start its workers, with a request that only the wrapper handles, so that no
// worker has run more of the application than another server's. It ends with the
// response, or with the start, whose error tells then what has gone wrong.
func (p *pool) wake(ctx context.Context) {
	defer close(p.woken)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/", nil)
	if err != nil {
		return
	}
	request.Header.Set(wakeHeader, "1")
	response, err := unixClient(p.socket).Do(request)
	if err != nil {
		return
	}
	_ = response.Body.Close()
}

// wakeHeader is in a request that the wrapper handles itself.
const wakeHeader = "X-Launcher-Wake"

func unixClient(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
}

// enabled returns the number of workers that take requests, 0 while Passenger cannot be asked
// yet.
func (p *pool) enabled(ctx context.Context) (workers int) {
	password, err := os.ReadFile(filepath.Join(p.instance, "read_only_admin_password.txt"))
	if err != nil {
		return 0
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://core/pool.xml", nil)
	if err != nil {
		return 0
	}
	request.SetBasicAuth("ro_admin", strings.TrimSpace(string(password)))
	response, err := unixClient(filepath.Join(p.instance, "agents.s", "core_api")).Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	processes, err := readPool(response.Body)
	if err != nil {
		return 0
	}
	return processes
}

// readPool counts the workers that take requests in pool.xml.
func readPool(r io.Reader) (enabled int, err error) {
	var info struct {
		Supergroups []struct {
			Groups []struct {
				Processes []struct {
					LifeStatus string `xml:"life_status"`
					Enabled    string `xml:"enabled"`
				} `xml:"processes>process"`
			} `xml:"group"`
		} `xml:"supergroups>supergroup"`
	}
	decoder := xml.NewDecoder(r)
	// It says ISO-8859-1; what is read here is ASCII in either.
	decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	if err := decoder.Decode(&info); err != nil {
		return 0, err
	}
	for _, supergroup := range info.Supergroups {
		for _, group := range supergroup.Groups {
			for _, process := range group.Processes {
				if process.LifeStatus == "ALIVE" && process.Enabled == "ENABLED" {
					enabled++
				}
			}
		}
	}
	return enabled, nil
}
