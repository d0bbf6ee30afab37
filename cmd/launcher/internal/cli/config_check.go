//go:build linux

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/preforker"
	"launcher/preforker/control"
	"launcher/preforker/hint"
	"launcher/preforker/linux"
	"launcher/preforker/proc"
	"launcher/preforker/sockets"
)

// configCheckName is the command that tries the options without starting anything.
const configCheckName = "config check"

// errChecked says that something stands in the way, and has been printed: exit status 1.
var errChecked = errors.New("a launcher would not start like this")

func configCheckCommand(stdout *os.File) *cli.Command {
	return &cli.Command{
		Name:      configCheckName,
		Usage:     "try the options and the file that launcher NUM would have here, and start nothing",
		ArgsUsage: "[NUM]",
		UsageText: "launcher config check [options] [NUM]",
		Description: "Reads the file and all options as launcher NUM does, finds the application and Ruby, looks whether files can be\n" +
			"written where they are to be, whether the addresses are free, and has lighttpd, where it is installed, check its\n" +
			"configuration. Neither Ruby nor the application is started: launcher doctor loads it.\n\n" +
			"Exit status: 0 it would start, 1 something stands in the way, 2 a mistake in an option or in the file.",
		Flags:        runFlags(),
		Action:       func(ctx *cli.Context) error { return checkOptions(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

// checkup tries one thing after the other, and prints how it is.
type checkup struct {
	ctx       *cli.Context
	as        *account
	config    preforker.Config
	where     site
	http      httpOptions
	metrics   metricsOptions
	dashboard dashboardOptions
	warned    []string
	printed   *printer
	bound     []io.Closer
	failures  int
}

func checkOptions(ctx *cli.Context, stdout *os.File) error {
	c := &checkup{ctx: ctx, printed: &printer{w: stdout}}
	workers, err := c.read()
	if err != nil {
		return err
	}
	line := lineOf(ctx)
	switch {
	case line.file != nil:
		c.ok("file", "%s, %s", line.file.Path, counted(len(line.file.Settings), "option", "options"))
	case line.filename != "":
		c.ok("file", "none: there is no %s", line.filename)
	default:
		c.ok("file", "none is read")
	}
	c.ok("options", "%s", counted(workers, "worker", "workers"))
	c.ok("application", "%s", filepath.Join(c.where.app.Root, strings.TrimPrefix(c.where.app.Entry, c.where.app.Root)))
	c.ok("Ruby", "%s", c.config.Ruby)
	c.files()
	if status, _, err := control.AskStatus(ctx.Context, c.where.socketDir); err == nil {
		c.ok("running", "the launcher with pid %d is there: its addresses are not tried", status.Pid)
	} else {
		c.addresses()
	}
	c.lighttpd(workers)
	for _, warning := range c.warnings() {
		c.printed.line("%-*s  %s", checkColumn, "warning", warning)
	}
	switch {
	case c.printed.err != nil:
		return fmt.Errorf("print how the options are: %w", c.printed.err)
	case c.failures > 0:
		return errChecked
	}
	return nil
}

// read reads every option as a start does. Its error is all that a start would refuse, one after the other.
func (c *checkup) read() (workers int, err error) {
	count, mistaken := workerCount(c.ctx, "launcher config check 4")
	workers = max(count.workers, 1)
	options := readers{
		func() error { return mistaken },
		func() (err error) { c.as, err = readAccount(c.ctx); return err },
		func() error {
			_, err := newLogger(os.Stderr, c.ctx.String(optLogFormat), c.ctx.String(optLogLevel))
			return err
		},
	}
	options = append(options, configReaders(c.ctx, workers, &c.config, &c.where)...)
	options = append(options,
		func() error { _, err := socketUser(c.ctx.String(optSocketUser), c.as); return err },
		func() (err error) { c.http, err = readHTTP(c.ctx); return err },
		func() (err error) { c.metrics, err = readMetrics(c.ctx); return err },
		func() (err error) {
			c.dashboard, err = readDashboard(c.ctx, func(warning string) { c.warned = append(c.warned, warning) })
			return err
		})
	return workers, options.all()
}

// checkColumn is how wide the names of what is tried are.
const checkColumn = 11

func (c *checkup) ok(what, format string, args ...any) {
	c.printed.line("%-*s  ok: %s", checkColumn, what, fmt.Sprintf(format, args...))
}

func (c *checkup) failed(what string, err error) {
	c.failures++
	c.printed.line("%-*s  FAILS: %v", checkColumn, what, err)
	if try := hint.Of(err); try != "" {
		c.printed.line("%-*s  Try: %s", checkColumn, "", try)
	}
}

// tried prints how something is that was tried.
func (c *checkup) tried(what, good string, err error) {
	if err != nil {
		c.failed(what, err)
		return
	}
	c.ok(what, "%s", good)
}

// files tries to write where the launcher is to write.
func (c *checkup) files() {
	c.tried("sockets", c.where.socketDir, c.folder(c.where.socketDir, "choose another folder with --socket-dir", true))
	logFile := belowRoot(c.where.app.Root, c.ctx.String(optLogFile))
	for _, file := range []struct{ what, path string }{{"log", logFile}, {"access log", c.http.accessLog}, {"record", c.config.Record}, {"pid file", string(readPidFile(c.ctx))}} {
		if file.path != "" && file.path != "-" {
			c.tried(file.what, file.path, c.file(file.path))
		}
	}
}

// addresses tries to listen where the launcher is to listen.
func (c *checkup) addresses() {
	defer func() {
		for _, file := range c.bound { // two of them may be the same
			_ = file.Close()
		}
	}()
	for _, address := range c.http.addresses {
		c.tried("address", address.address, c.address(optHTTP, address))
	}
	if at := c.metrics.address; at != "" {
		c.tried("address", at, c.address(optMetrics, httpAddress{network: "tcp", address: at}))
	}
	if at := c.dashboard.address; at != "" {
		err := c.address(optDashboard, httpAddress{network: "tcp", address: at})
		if err == nil {
			err = c.dashboard.check(c.bound[len(c.bound)-1].(net.Listener).Addr())
		}
		c.tried("address", at, err)
	}
	for _, place := range c.where.places(c.config.Workers) {
		if !sockets.IsPort(place) {
			if err := inUse(place); err != nil {
				c.failed("socket", err)
			}
			continue
		}
		at, err := netip.ParseAddrPort(place)
		var bound *os.File
		if err == nil {
			bound, err = linux.BindTCP(at)
		}
		if err == nil {
			c.bound = append(c.bound, bound)
		} else {
			err = taken(place, err)
			err = hint.Errorf(another("choose other ports with --listen", err), "listen at %s: %w", place, err)
		}
		c.tried("address", place, err)
	}
}

func (c *checkup) address(option string, address httpAddress) error {
	try := "choose another address with --" + option
	if address.network == "unix" {
		if err := sockets.CheckPath(address.address); err != nil {
			return err
		}
		if err := inUse(address.address); err != nil {
			return err
		}
		return c.folder(filepath.Dir(address.address), try, false)
	}
	listener, err := listenTCP(address.address)
	if err != nil {
		return hint.Errorf(another(try, err), "serve --%s: %w", option, err)
	}
	c.bound = append(c.bound, listener)
	return nil
}

// inUse is an error where somebody listens at a unix socket.
func inUse(path string) error {
	pid, listening, err := linux.SocketPeer(path)
	switch {
	case err == nil && listening && pid > 0:
		return fmt.Errorf("%s is in use by pid %d (%s)", path, pid, proc.Title(pid))
	case err == nil && listening:
		return fmt.Errorf("%s is in use", path)
	case errors.Is(err, fs.ErrPermission):
		return err
	}
	return nil // nothing there, or something that the start removes or tells of
}

// lighttpd has the one that is installed check what would be written for it.
func (c *checkup) lighttpd(workers int) {
	server, err := webServer(defaultServer)
	if err != nil {
		c.failed(defaultServer, err)
		return
	}
	running, _, end := untilSignal(c.ctx.Context, func() {})
	defer end()
	bounded, cancel := context.WithTimeout(running, serverTimeout)
	defer cancel()
	version, err := server.Find(bounded, "")
	if errors.Is(err, exec.ErrNotFound) {
		c.ok(defaultServer, "not installed here, so its configuration is not checked")
		return
	}
	if err == nil {
		at, broken := c.where.webserver(c.where.targets(workers))
		if err = broken; err == nil {
			config, broken := server.Snippet(at, version)
			if err = broken; err == nil {
				err = server.Check(bounded, "", config)
			}
		}
	}
	c.tried(defaultServer, fmt.Sprintf("%v takes its configuration", version), err)
}

// warnings are those that a start logs.
func (c *checkup) warnings() []string {
	return slices.Concat(c.ctx.App.Metadata[notesKey].([]string), c.warned, withoutEffect(c.ctx, c.config), openPorts(c.where, c.config.Allow),
		deployWarnings(c.where.app.Root, c.where.socketDir), missingSendfileDirs(c.where.app.Root, c.ctx.StringSlice(optSendfileDir)))
}
