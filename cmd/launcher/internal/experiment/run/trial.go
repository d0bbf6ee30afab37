//go:build linux

package run

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/cmd/launcher/internal/experiment/load"
	"launcher/cmd/launcher/internal/experiment/server"
	"launcher/preforker/proc"
)

const (
	// settleTime is the time from the load to its last sample: what servers do while no request comes
	// is in it.
	settleTime = time.Second
	stopGrace  = 10 * time.Second
)

// badPath is a path whose response before any load is not right.
type badPath struct {
	line, name string // of the mix, and for a person
	text       string
}

func (e *badPath) Error() string { return e.text }

// trial is one run under way.
type trial struct {
	*runner
	run     *experiment.Run
	sampler *sampler
	server  *server.Server
	proxy   *server.Proxy
}

// measure makes one run, and returns what it measured also beside an error. Nothing that it started
// is left.
func (r *runner) measure(ctx context.Context, s step) (run experiment.Run, err error) {
	run = experiment.Run{Method: s.method, Processes: s.processes, Started: time.Now()}
	before, err := proc.Machine()
	if err != nil {
		return run, err
	}
	running, cancel := context.WithCancelCause(ctx)
	var guarding sync.WaitGroup
	guarding.Go(func() { guard(running, cancel, before, r.config.Reserve) })
	defer guarding.Wait()
	defer cancel(nil)

	t := &trial{runner: r, run: &run, sampler: &sampler{began: time.Now()}}
	defer func() {
		err = errors.Join(err, t.stop())
		run.Samples = withoutProcesses(t.sampler.samples)
		for _, s := range []*experiment.Sample{&run.Before, &run.Launched, &run.Peak, &run.Last} {
			for i := range s.Each {
				s.Each[i].Name = t.withoutFolders(s.Each[i].Name)
			}
		}
	}()
	err = t.steps(running)
	if cause := context.Cause(running); cause != nil {
		err = cause // rather than its consequence
	}
	return run, err
}

// steps makes the steps of a run in order.
func (t *trial) steps(ctx context.Context) error {
	var err error
	if t.run.Before, err = t.sampler.take(experiment.PhaseBefore); err != nil {
		return err
	}
	if err = t.launch(ctx); err != nil {
		return err
	}
	if t.run.Launched, err = t.sampler.take(experiment.PhaseLaunched); err != nil {
		return err
	}
	target, err := t.target(ctx)
	if err != nil {
		return err
	}
	if err := t.checkPaths(ctx, target); err != nil {
		return err
	}
	if err := t.load(ctx, target); err != nil {
		return err
	}
	t.working("settling")
	select {
	case <-time.After(settleTime):
	case <-ctx.Done():
		return ctx.Err()
	}
	if t.run.Last, err = t.sampler.take(experiment.PhaseAfter); err != nil {
		return err
	}
	t.run.Peak = peak(t.sampler.samples)
	t.run.Split = split(t.run)
	return nil
}

func (t *trial) working(what string) {
	t.config.Observer.Working(t.run.Method, t.run.Processes, what)
}

func (t *trial) launch(ctx context.Context) error {
	t.working("launching")
	dir := t.scratch("")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make folder of a run: %w", err)
	}
	spec := server.Spec{
		Method: t.run.Method, Workers: t.run.Processes, App: t.config.App,
		Launcher: t.launcher, Dir: dir, Timeout: t.config.BootTimeout, Installed: t.installed[t.run.Method],
	}
	if err := recordHeap(ctx, spec); err != nil {
		return err
	}
	t.sampler.began = time.Now()
	started, err := server.Start(ctx, spec)
	if err != nil {
		return err
	}
	t.server = started
	t.run.LaunchSeconds = started.LaunchTime().Seconds()
	for _, word := range started.Command() {
		t.run.Command = append(t.run.Command, t.withoutFolders(word))
	}
	return nil
}

// recordHeap starts this launcher once and stops it, so that it is measured as it runs on a site: it
// writes down the size of the heap that the application needs, and uses that from its second
// start on.
func recordHeap(ctx context.Context, spec server.Spec) error {
	if spec.Method != experiment.Smart {
		return nil
	}
	spec.Workers = 1
	first, err := server.Start(ctx, spec)
	if err != nil {
		return err
	}
	if err := first.Stop(stopGrace); err != nil {
		return err
	}
	// Its log must not be read as the second one's.
	return os.Remove(filepath.Join(spec.Dir, server.LogName))
}

// target returns what serves the requests of the load: lighttpd in front of the server, or the server
// itself.
func (t *trial) target(ctx context.Context) (load.Target, error) {
	backends := t.server.Backends()
	if t.config.Straight {
		return straight(backends, t.config.App.Root), nil
	}
	proxy, err := server.StartProxy(ctx, t.scratch("-proxy"), backends)
	if err != nil {
		return nil, err
	}
	t.proxy = proxy
	t.sampler.except = []int{proxy.Pid()}
	return load.HTTP("tcp", proxy.Address()), nil
}

func straight(backends []server.Backend, root string) load.Target {
	var sockets []string
	for _, b := range backends {
		sockets = append(sockets, b.Socket)
	}
	if backends[0].FastCGI {
		return load.FastCGI(sockets, root)
	}
	return load.HTTP("unix", sockets[0])
}

// checkPaths requests each path once. One that is wrong with the first server that serves any is the
// application's mistake or the user's; one that is wrong with a later server is that server's.
func (t *trial) checkPaths(ctx context.Context, target load.Target) error {
	t.working("looking at the paths")
	for i := range t.mix {
		request := &t.mix[i]
		response, err := load.Probe(ctx, target, load.Plan{Mix: t.mix[i : i+1], Timeout: t.config.RequestTimeout, Host: loadHost,
			Header: http.Header{server.VersionsHeader: {"1"}}, Visitors: t.visitors()})
		if err != nil {
			name := request.Path
			if t.visitors() {
				name = request.String()
			}
			return &badPath{request.Line(), name, err.Error()}
		}
		t.noteVersions(response.Header.Get(server.VersionsHeader))
	}
	return nil
}

// visitors says whether each connection is a visitor with cookies: with a mix.
func (t *trial) visitors() bool { return len(t.config.Mix) > 0 }

// loadHost is the host of the requests. Rails allows localhost in every environment.
const loadHost = "localhost"

func (t *trial) load(ctx context.Context, target load.Target) error {
	t.working("under load")
	loading, done := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	var sampling error
	watching.Go(func() {
		if sampling = t.sampler.through(loading); sampling != nil {
			done(sampling)
		}
	})
	watching.Go(func() {
		select {
		case err := <-t.server.Exited():
			done(fmt.Errorf("the server ended under load: %w%s", err, quoted(t.server.Tail())))
		case <-loading.Done():
		}
	})
	var enough func(int, int) bool
	if t.config.UntilSteady {
		var s steadiness
		enough = func(_, responses int) bool { return s.enough(responses, t.sampler.pss.Load()) }
	}
	began := time.Since(t.sampler.began)
	result := load.Run(loading, target, load.Plan{
		Mix: t.mix, Visitors: t.visitors(), Enough: enough, Requests: t.config.Requests, Connections: t.config.Connections, Rate: t.config.Rate,
		Timeout: t.config.RequestTimeout, Host: loadHost,
	}, func(finished, failed int) { t.config.Observer.Requested(finished, failed, t.config.Requests) })
	cause := context.Cause(loading)
	done(nil)
	watching.Wait()
	t.run.Traffic = traffic(result)
	t.run.Traffic.Began = began.Seconds()
	return cause
}

func quoted(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return "\n" + strings.Join(lines, "\n")
}

// scratch returns a folder of this run.
func (t *trial) scratch(suffix string) string {
	return filepath.Join(t.config.Scratch, fmt.Sprintf("%s-%d%s", t.run.Method, t.run.Processes, suffix))
}

// withoutFolders returns a text without the folders of this run, so that a report can be shown
// and compared.
func (t *trial) withoutFolders(text string) string {
	return strings.NewReplacer(t.scratch(""), "$RUN", t.config.App.Root, "$APP", t.launcher, "launcher").Replace(text)
}

// stop ends what the run has started, and removes what that has written.
func (t *trial) stop() error {
	var errs []error
	if t.proxy != nil {
		errs = append(errs, t.proxy.Stop())
	}
	if t.server != nil {
		t.working("stopping")
		errs = append(errs, t.server.Stop(stopGrace))
	}
	for _, suffix := range []string{"", "-proxy"} {
		errs = append(errs, os.RemoveAll(t.scratch(suffix)))
	}
	return errors.Join(errs...)
}
