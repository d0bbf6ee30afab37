//go:build linux

package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/cmd/launcher/internal/experiment/server"
	"launcher/preforker/linux"
	"launcher/preforker/proc"
)

// runner goes through a plan.
type runner struct {
	config   experiment.Config
	plan     *plan
	paths    []string // that are asked: those that answered the first time
	proven   bool     // a server has answered all of them
	results  *experiment.Results
	launcher string // path of this program's copy
	// installed is what was found of each method.
	installed map[experiment.Method]server.Installed
}

// NothingMeasured says that an experiment ended without a single whole run.
type NothingMeasured struct{ Reason string }

func (e *NothingMeasured) Error() string { return "nothing could be measured: " + e.Reason }

// Hint tells where to look first.
func (e *NothingMeasured) Hint() string {
	return "launcher 1 --http 127.0.0.1:3000 shows whether the application runs; --path names what to ask"
}

// Perform makes the experiment. When the context ends it stops, keeps what is done, and
// answers the results with the context's cause as the reason. The results are never nil.
func Perform(ctx context.Context, config experiment.Config) (*experiment.Results, error) {
	e := &runner{config: config, paths: config.Paths, installed: map[experiment.Method]server.Installed{}, results: &experiment.Results{
		Format: experiment.FormatVersion, Started: time.Now(), Command: config.Command,
		App:     config.App,
		Machine: machine(), Processes: config.Processes,
	}}
	err := e.run(ctx)
	e.results.Ended = time.Now()
	if err != nil {
		e.results.Incomplete = err.Error()
	}
	return e.results, errors.Join(err, config.Keep(e.results))
}

func (e *runner) run(ctx context.Context) error {
	// Agents that fork themselves away must stay within reach.
	if err := linux.BecomeSubreaper(); err != nil {
		return fmt.Errorf("become the parent of servers that detach themselves: %w", err)
	}
	methods, err := e.prepare(ctx)
	if err != nil {
		return err
	}
	if err := e.copyLauncher(); err != nil {
		return err
	}
	e.plan = newPlan(methods, e.config.Processes)
	e.config.Observer.Planned(len(e.plan.ahead))
	for {
		s, ok := e.plan.take()
		if !ok {
			return e.verdict()
		}
		if err := e.step(ctx, s); err != nil {
			return err
		}
		if err := e.config.Keep(e.results); err != nil {
			return err
		}
	}
}

// prepare looks for the servers and for lighttpd, and answers the methods that there are.
func (e *runner) prepare(ctx context.Context) (methods []experiment.Method, err error) {
	through := "straight"
	if !e.config.Straight {
		proxy, err := server.FindProxy(ctx)
		if err != nil {
			return nil, err
		}
		through = "lighttpd"
		e.addVersion("lighttpd", proxy.Version)
	}
	e.results.Load = experiment.Load{Paths: e.config.Paths, Requests: e.config.Requests, Connections: e.config.Connections,
		Rate: e.config.Rate, Through: through, Tool: "launcher's own client"}
	for _, variable := range server.Settings() {
		e.warn(variable + " is set in the environment, and holds for direct and smart")
	}
	for _, method := range e.config.Methods {
		e.results.Methods = append(e.results.Methods, method)
		found, err := server.Find(ctx, method, e.config.App)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			e.leaveOut(experiment.Skipped{Method: method, Reason: err.Error()})
			continue
		}
		methods = append(methods, method)
		e.installed[method] = found
		if found.Version != "" {
			e.addVersion(string(method), found.Version)
		}
	}
	if len(methods) == 0 {
		return nil, &NothingMeasured{"no method is left"}
	}
	return methods, nil
}

// copyLauncher has the methods of this program run from a copy of it: the pages of one file
// are shared by all who run it, and this process would take its part of them off the
// supervisor's share.
func (e *runner) copyLauncher() error {
	program, err := os.ReadFile(e.config.Launcher)
	if err == nil {
		e.launcher = filepath.Join(e.config.Scratch, "launcher")
		err = os.WriteFile(e.launcher, program, 0o700)
	}
	if err != nil {
		return fmt.Errorf("copy this program: %w", err)
	}
	return nil
}

// step makes one run and draws the consequences. An error ends the experiment.
func (e *runner) step(ctx context.Context, s step) error {
	if reason := e.tooLarge(s); reason != "" {
		e.plan.drop(s.method)
		e.leaveOut(experiment.Skipped{Method: s.method, Processes: s.processes, Reason: reason})
		return nil
	}
	began := time.Now()
	run, err := e.measure(ctx, s)
	if errors.As(err, new(*badPath)) && !e.proven {
		return e.leavePathOut(ctx, s, err)
	}
	if err == nil {
		e.proven = true
	}
	if ctx.Err() != nil {
		// What it had measured so far is not the whole of anything.
		return context.Cause(ctx)
	}
	e.plan.done(s, time.Since(began), run.Peak.PSS)
	if err != nil {
		run.Error = err.Error()
		if ahead := e.plan.drop(s.method); ahead > 0 {
			e.leaveOut(experiment.Skipped{Method: s.method, Reason: fmt.Sprintf("with %s: %s; larger numbers were not tried", processesOf(s.processes), firstLine(run.Error))})
		}
	}
	e.results.Runs = append(e.results.Runs, run)
	e.config.Observer.Finished(run, len(e.plan.ahead), e.plan.left())
	return nil
}

// leavePathOut goes on without a path that no server has ever answered, and makes
// the same step again.
func (e *runner) leavePathOut(ctx context.Context, s step, err error) error {
	var bad *badPath
	errors.As(err, &bad)
	e.paths = slices.DeleteFunc(slices.Clone(e.paths), func(path string) bool { return path == bad.path })
	if len(e.paths) == 0 {
		return &NothingMeasured{bad.text}
	}
	e.warn(fmt.Sprintf("%s is left out: %s", bad.path, bad.text))
	return e.step(ctx, s)
}

// tooLarge says why a step would not fit into memory, "" where it may.
func (e *runner) tooLarge(s step) string {
	now, err := proc.Machine()
	need := e.plan.expected(s)
	if err != nil || need == 0 || need+e.config.Reserve <= now.Available {
		return ""
	}
	return fmt.Sprintf("%s would need about %d MB, and %d MB are available", processesOf(s.processes), need>>20, now.Available>>20)
}

// verdict is an error where nothing at all went well.
func (e *runner) verdict() error {
	for _, run := range e.results.Runs {
		if run.Error == "" {
			return nil
		}
	}
	if len(e.results.Runs) > 0 {
		return &NothingMeasured{e.results.Runs[0].Error}
	}
	return &NothingMeasured{"no run was made"}
}

func (e *runner) leaveOut(s experiment.Skipped) {
	e.results.Skipped = append(e.results.Skipped, s)
	e.config.Observer.LeftOut(s)
}

func (e *runner) warn(text string) {
	e.results.Warnings = append(e.results.Warnings, text)
	e.config.Observer.Warned(text)
}

func (e *runner) addVersion(name, version string) {
	if !slices.ContainsFunc(e.results.Versions, func(v experiment.Version) bool { return v.Name == name }) {
		e.results.Versions = append(e.results.Versions, experiment.Version{Name: name, Version: version})
	}
}

// noteVersions keeps what the application says of itself. An answer without it, of a
// cache in between perhaps, is no reason to stop.
func (e *runner) noteVersions(header string) {
	var said struct{ Ruby, Rails, Rack string }
	if header == "" || json.Unmarshal([]byte(header), &said) != nil {
		return
	}
	for _, v := range []experiment.Version{{Name: "ruby", Version: said.Ruby}, {Name: "rails", Version: said.Rails}, {Name: "rack", Version: said.Rack}} {
		if v.Version != "" {
			e.addVersion(v.Name, v.Version)
		}
	}
}

func processesOf(number int) string {
	if number == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", number)
}
