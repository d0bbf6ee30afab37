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
	"strings"
	"time"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/cmd/launcher/internal/experiment/mix"
	"launcher/cmd/launcher/internal/experiment/server"
	"launcher/preforker/hint"
	"launcher/preforker/linux"
	"launcher/preforker/proc"
)

// runner makes the runs of a plan, one after the other.
type runner struct {
	config   experiment.Config
	plan     *plan
	mix      []mix.Request // that is requested: what was right the first time
	proven   bool          // a server has served all of them
	results  *experiment.Results
	launcher string // path of this program's copy
	// installed has the server of each method.
	installed map[experiment.Method]server.Installed
	rounds    map[step]int // that were begun
}

// nothingMeasured is the error of an experiment that ended without a single whole run.
func nothingMeasured(reason string) error {
	return hint.Errorf("launcher 1 --http 127.0.0.1:3000 shows whether the application runs; --path names what to ask",
		"nothing could be measured: %s", reason)
}

// Perform makes the experiment and returns its results, which are never nil. When the context ends it
// stops, keeps what is done, and the results are incomplete for the context's cause.
func Perform(ctx context.Context, config experiment.Config) (*experiment.Results, error) {
	r := &runner{config: config, mix: config.Mix, installed: map[experiment.Method]server.Installed{}, rounds: map[step]int{}, results: &experiment.Results{
		Format: experiment.FormatVersion, Started: time.Now(), Command: config.Command,
		App:     config.App,
		Machine: machine(), Processes: config.Processes,
	}}
	if len(r.mix) == 0 {
		r.mix = mix.Gets(config.Paths...)
	}
	err := r.run(ctx)
	r.results.Ended = time.Now()
	if err != nil {
		r.results.Incomplete = err.Error()
	}
	return r.results, errors.Join(err, config.Keep(r.results))
}

func (r *runner) run(ctx context.Context) error {
	// Agents that fork themselves away must stay within reach.
	if err := linux.BecomeSubreaper(); err != nil {
		return fmt.Errorf("become the parent of servers that detach themselves: %w", err)
	}
	methods, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	if err := r.copyLauncher(); err != nil {
		return err
	}
	r.plan = newPlan(methods, r.config.Processes, r.config.Repeat)
	r.config.Observer.Planned(len(r.plan.ahead))
	for {
		s, ok := r.plan.take()
		if !ok {
			return r.conclude()
		}
		if err := r.step(ctx, s); err != nil {
			return err
		}
		if err := r.config.Keep(r.results); err != nil {
			return err
		}
	}
}

// prepare looks for the servers and for lighttpd, and returns the methods that there are.
func (r *runner) prepare(ctx context.Context) (methods []experiment.Method, err error) {
	through := "straight"
	if !r.config.Straight {
		proxy, err := server.FindProxy(ctx)
		if err != nil {
			return nil, err
		}
		through = "lighttpd"
		r.addVersion("lighttpd", proxy.Version)
	}
	r.results.Load = experiment.Load{Paths: r.config.Paths, Mix: r.lines(), Requests: r.config.Requests, Connections: r.config.Connections,
		Rate: r.config.Rate, Rounds: r.config.Repeat, Through: through, Tool: "launcher's own client"}
	for _, variable := range server.Settings() {
		r.warn(variable + " is set in the environment, and holds for direct and smart")
	}
	for _, method := range r.config.Methods {
		r.results.Methods = append(r.results.Methods, method)
		found, err := server.Find(ctx, method, r.config.App)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			r.leaveOut(experiment.Skipped{Method: method, Reason: err.Error()})
			continue
		}
		methods = append(methods, method)
		r.installed[method] = found
		if found.Version != "" {
			r.addVersion(string(method), found.Version)
		}
	}
	if len(methods) == 0 {
		return nil, nothingMeasured("no method is left")
	}
	return methods, nil
}

// copyLauncher copies this program for the methods that it runs: processes share the pages of the
// file that they run, and this one would take its part of them off the supervisor's share.
func (r *runner) copyLauncher() error {
	program, err := os.ReadFile(r.config.Launcher)
	if err == nil {
		r.launcher = filepath.Join(r.config.Scratch, "launcher")
		err = os.WriteFile(r.launcher, program, 0o700)
	}
	if err != nil {
		return fmt.Errorf("copy this program: %w", err)
	}
	return nil
}

// step makes one run, and keeps it in the results and in the plan. An error ends the experiment.
func (r *runner) step(ctx context.Context, s step) error {
	if reason := r.tooLarge(s); reason != "" {
		r.plan.drop(s.method)
		r.leaveOut(experiment.Skipped{Method: s.method, Processes: s.processes, Reason: reason})
		return nil
	}
	began := time.Now()
	if err := r.beforeRun(ctx, s); err != nil {
		return err
	}
	run, err := r.measure(ctx, s)
	if errors.As(err, new(*badPath)) && !r.proven {
		return r.leavePathOut(ctx, s, err)
	}
	if err == nil {
		r.proven = true
	}
	if ctx.Err() != nil {
		// What it had measured so far is not the whole of anything.
		return context.Cause(ctx)
	}
	r.plan.done(s, time.Since(began), run.Peak.PSS)
	if err != nil {
		run.Error = err.Error()
		if ahead := r.plan.drop(s.method); ahead > 0 {
			r.leaveOut(experiment.Skipped{Method: s.method, Reason: fmt.Sprintf("with %s: %s; larger numbers were not tried", processesOf(s.processes), firstLine(run.Error))})
		}
	}
	if r.rounds[s]++; r.config.Repeat > 1 {
		run.Round = r.rounds[s]
	}
	r.results.Runs = append(r.results.Runs, run)
	r.config.Observer.Finished(run, len(r.plan.ahead), r.plan.left())
	return nil
}

// beforeRun runs the user's command. Where that fails the experiment ends: the runs ahead would find what those before have written.
func (r *runner) beforeRun(ctx context.Context, s step) error {
	if r.config.BeforeRun == "" {
		return nil
	}
	r.config.Observer.Working(s.method, s.processes, "running --before-run")
	err := server.RunCommand(ctx, r.config.App, r.config.BeforeRun, r.config.Scratch)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return hint.Errorf("run the command by itself in "+r.config.App.Root, "run --before-run before %s × %d: %w", s.method, s.processes, err)
}

// leavePathOut drops a path that no server has ever served, and makes the same step again.
func (r *runner) leavePathOut(ctx context.Context, s step, err error) error {
	var bad *badPath
	errors.As(err, &bad)
	r.mix = slices.DeleteFunc(slices.Clone(r.mix), func(request mix.Request) bool { return request.Line() == bad.line })
	if len(r.mix) == 0 {
		return nothingMeasured(bad.text)
	}
	r.warn(fmt.Sprintf("%s is left out: %s", bad.name, bad.text))
	return r.step(ctx, s)
}

// lines returns the mix as its file has it; nil where paths are requested.
func (r *runner) lines() (lines []string) {
	for i := range r.config.Mix {
		lines = append(lines, r.config.Mix[i].Line())
	}
	return lines
}

// tooLarge returns why a step would not fit into memory, "" where it may.
func (r *runner) tooLarge(s step) string {
	now, err := proc.Machine()
	need := r.plan.expected(s)
	if err != nil || need == 0 || need+r.config.Reserve <= now.Available {
		return ""
	}
	return fmt.Sprintf("%s would need about %d MB, and %d MB are available", processesOf(s.processes), need/proc.MB, now.Available/proc.MB)
}

// conclude returns an error where no run was whole.
func (r *runner) conclude() error {
	for _, run := range r.results.Runs {
		if run.Error == "" {
			return nil
		}
	}
	if len(r.results.Runs) > 0 {
		return nothingMeasured(r.results.Runs[0].Error)
	}
	return nothingMeasured("no run was made")
}

func (r *runner) leaveOut(s experiment.Skipped) {
	r.results.Skipped = append(r.results.Skipped, s)
	r.config.Observer.LeftOut(s)
}

func (r *runner) warn(text string) {
	r.results.Warnings = append(r.results.Warnings, text)
	r.config.Observer.Warned(text)
}

func (r *runner) addVersion(name, version string) {
	if !slices.ContainsFunc(r.results.Versions, func(v experiment.Version) bool { return v.Name == name }) {
		r.results.Versions = append(r.results.Versions, experiment.Version{Name: name, Version: version})
	}
}

// noteVersions keeps the versions that the application has. A response without them, of a
// cache in between perhaps, is no reason to stop.
func (r *runner) noteVersions(header string) {
	var said struct{ Ruby, Rails, Rack string }
	if header == "" || json.Unmarshal([]byte(header), &said) != nil {
		return
	}
	for _, v := range []experiment.Version{{Name: "ruby", Version: said.Ruby}, {Name: "rails", Version: said.Rails}, {Name: "rack", Version: said.Rack}} {
		if v.Version != "" {
			r.addVersion(v.Name, v.Version)
		}
	}
}

func processesOf(number int) string {
	if number == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", number)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
