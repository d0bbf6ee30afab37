//go:build linux

package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/preforker/hint"
)

// Installed is a server that can be run.
type Installed struct {
	Program string // its path; "" for a method of this program
	Version string // "" for a method of this program
	Bundled bool   // it is named in the application's own bundle
}

// notInstalled is the error of a method that is not there to be measured.
func notInstalled(method experiment.Method, err error) error {
	try := fmt.Sprintf("install it: apt-get install %s", method.Server())
	switch method {
	case experiment.Passenger:
	case experiment.Pitchfork, experiment.Falcon:
		try = fmt.Sprintf("gem install %s, or add it to the application's Gemfile", method)
	default:
		try += fmt.Sprintf(", or add gem %q to the application's Gemfile", method.Server())
	}
	return hint.Errorf(try, "%s is not installed: %w", method, err)
}

// Find returns the server of a method, as the application would have it: Puma and
// Unicorn are the bundle's where its Gemfile names them, else the ones that the Ruby has
// installed. Passenger is made to run outside every bundle and is the one on PATH.
func Find(ctx context.Context, method experiment.Method, app experiment.App) (Installed, error) {
	switch method {
	case experiment.Direct, experiment.Smart:
		return Installed{}, nil
	case experiment.Passenger:
		return findPassenger(ctx)
	case experiment.Puma, experiment.PumaForkWorker, experiment.Unicorn, experiment.Pitchfork, experiment.Falcon:
		return findGem(ctx, method, app)
	default:
		return Installed{}, fmt.Errorf("find server: there is no method %q", method)
	}
}

var passengerVersion = regexp.MustCompile(`Phusion Passenger\S* (\S+)`)

func findPassenger(ctx context.Context) (Installed, error) {
	program, err := exec.LookPath(string(experiment.Passenger))
	if err != nil {
		return Installed{}, notInstalled(experiment.Passenger, err)
	}
	if program, err = filepath.Abs(program); err != nil {
		return Installed{}, err
	}
	out, err := exec.CommandContext(ctx, program, "--version").CombinedOutput()
	if ctx.Err() != nil {
		return Installed{}, ctx.Err()
	}
	version := passengerVersion.FindSubmatch(out)
	if err != nil || version == nil {
		return Installed{}, notInstalled(experiment.Passenger, fmt.Errorf("%s --version tells no version: %v %s", program, err, bytes.TrimSpace(out)))
	}
	return Installed{Program: program, Version: string(version[1])}, nil
}

// findGem asks the application's Ruby, in the application's folder.
func findGem(ctx context.Context, method experiment.Method, app experiment.App) (Installed, error) {
	interpreter, err := exec.LookPath(cmp.Or(app.Ruby, "ruby"))
	if err != nil {
		return Installed{}, notInstalled(method, err)
	}
	script, err := ruby.ReadFile("ruby/" + serveName)
	if err != nil {
		return Installed{}, err
	}
	onPath, _ := exec.LookPath(method.Server()) // RubyGems may know one too
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, interpreter, "-", "--find", method.Server(), onPath)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(script), &stdout, &stderr
	cmd.Dir, cmd.Env = app.Root, appEnviron(app)
	err = cmd.Run()
	if ctx.Err() != nil {
		return Installed{}, ctx.Err()
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return Installed{}, notInstalled(method, errors.New(cmp.Or(strings.TrimSpace(stderr.String()), exit.String())))
	case err != nil:
		return Installed{}, fmt.Errorf("find %s: %w", method, err)
	}
	// What the application's Gemfile prints comes before.
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	if len(lines) < 3 {
		return Installed{}, fmt.Errorf("find %s: its answer is cut: %q", method, stdout.String())
	}
	found := lines[len(lines)-3:]
	return Installed{Program: found[0], Version: found[1], Bundled: found[2] == "bundle"}, nil
}

// executable returns the path of this program where the caller names none.
func executable(path string) (string, error) {
	if path != "" {
		return path, nil
	}
	return os.Readlink("/proc/self/exe")
}
