//go:build linux

package cli

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/preforker"
	"launcher/preforker/hint"
)

// Option names; the environment variable of each is LAUNCHER_ and its name.
const (
	optRoot         = "root"
	optEnvironment  = "environment"
	optRackup       = "rackup"
	optRuby         = "ruby"
	optSpawnMethod  = "spawn-method"
	optMaxPrivate   = "max-private"
	optMaxRequests  = "max-requests"
	optSocketDir    = "socket-dir"
	optSocketMode   = "socket-mode"
	optSocketGroup  = "socket-group"
	optURLPrefix    = "url-prefix"
	optMountedBy    = "mounted-by"
	optBootTimeout  = "boot-timeout"
	optDrainTimeout = "drain-timeout"
	optHTTP         = "http"
	optSendfileDir  = "sendfile-dir"
	optPassenger    = "passenger-events"
	optLogFormat    = "log-format"
	optLogLevel     = "log-level"
)

func env(option string) []string {
	return []string{variablePrefix + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))}
}

// siteFlags say where the application and its sockets are.
func siteFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: optRoot, EnvVars: env(optRoot), Usage: "`FOLDER` of the application", DefaultText: "the current folder"},
		&cli.StringFlag{Name: optRackup, EnvVars: env(optRackup),
			Usage: "`FILE` to run, absolute or below the root", DefaultText: "config.ru, else config/environment.rb"},
		&cli.StringFlag{Name: optSocketDir, EnvVars: env(optSocketDir), Usage: "`FOLDER` of the sockets", DefaultText: "log, below the root"},
		&cli.StringFlag{Name: optURLPrefix, EnvVars: append(env(optURLPrefix), "RAILS_RELATIVE_URL_ROOT"),
			Usage: "`PATH` that the application is mounted under, such as /shop", DefaultText: "none"},
	}
}

func runFlags() []cli.Flag {
	return append(append(siteFlags(), memoryFlags()...),
		&cli.StringFlag{Name: optEnvironment, Aliases: []string{"e"}, EnvVars: env(optEnvironment),
			Usage: "`NAME` of the Rails and Rack environment", DefaultText: "RAILS_ENV, RACK_ENV, or production"},
		&cli.StringFlag{Name: optRuby, EnvVars: env(optRuby), Value: "ruby", Usage: "`COMMAND` that is Ruby 2.7 or later"},
		&cli.StringFlag{Name: optSpawnMethod, EnvVars: env(optSpawnMethod), Value: string(preforker.SpawnSmart),
			Usage: "`METHOD`: smart forks the workers, direct has each load the application by itself"},
		&cli.StringFlag{Name: optMaxPrivate, EnvVars: env(optMaxPrivate), Value: "auto",
			Usage: "`SIZE` (20MB, 1.5G) of a worker's own memory at which a fork takes its place; auto: chosen, off: never"},
		&cli.Uint64Flag{Name: optMaxRequests, EnvVars: env(optMaxRequests),
			Usage: "`NUMBER` of requests after which a fork takes a worker's place", DefaultText: "any"},
		&cli.StringFlag{Name: optSocketMode, EnvVars: env(optSocketMode), Value: "0660", Usage: "octal `MODE` of the sockets"},
		&cli.StringFlag{Name: optSocketGroup, EnvVars: env(optSocketGroup),
			Usage: "`GROUP` of the sockets, the web server's (www-data)", DefaultText: "this user's"},
		&cli.DurationFlag{Name: optBootTimeout, EnvVars: env(optBootTimeout), Value: 90 * time.Second,
			Usage: "`TIME` that the application may take to load, and a worker to come up"},
		&cli.DurationFlag{Name: optDrainTimeout, EnvVars: env(optDrainTimeout), Value: 30 * time.Second,
			Usage: "`TIME` that a worker may take for its last request when it is to leave"},
		&cli.StringFlag{Name: optHTTP, EnvVars: env(optHTTP),
			Usage: "serve HTTP at `ADDRESS` (127.0.0.1:3000), with no web server", DefaultText: "off"},
		sendfileFlag(),
		bufferedFlag(),
		mountedByFlag(),
		passengerFlag(),
		&cli.StringFlag{Name: optLogFormat, EnvVars: env(optLogFormat), Value: "text", Usage: "`FORMAT` of the log: text or json"},
		&cli.StringFlag{Name: optLogLevel, EnvVars: env(optLogLevel), Value: "info", Usage: "`LEVEL` of the log: debug, info, warn or error"},
	)
}

func mountedByFlag() cli.Flag {
	return &cli.StringFlag{Name: optMountedBy, EnvVars: env(optMountedBy), Value: string(preforker.MountedByAuto),
		Usage: "`WHO` takes --url-prefix off the path of a request: launcher, app (its config.ru or its routes begin with it), or auto, which looks for that"}
}

func passengerFlag() cli.Flag {
	return &cli.BoolFlag{Name: optPassenger, EnvVars: env(optPassenger),
		Usage: "define PhusionPassenger.on_event, and run the application's events :starting_worker_process and :stopping_worker_process"}
}

// workerCount reads NUM.
func workerCount(ctx *cli.Context, example string) (int, error) {
	switch {
	case ctx.NArg() == 0 && os.Getenv("WEB_CONCURRENCY") != "": // which platforms set, and other servers read
		return 0, usageErrorf(example[:len(example)-1]+`"$WEB_CONCURRENCY"`, "read command line: NUM, the number of workers, is missing")
	case ctx.NArg() == 0:
		return 0, usageErrorf(example, "read command line: NUM, the number of workers, is missing")
	case ctx.NArg() > 1:
		return 0, usageErrorf(example, "read command line: one NUM is expected, not %q", ctx.Args().Slice())
	}
	text := strings.TrimSpace(ctx.Args().First())
	if !wholeNumber.MatchString(text) {
		return 0, notANumber(ctx.Args().First(), example)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > preforker.MaxWorkers {
		return 0, usageErrorf(example, "read command line: NUM is from 1 to %d, not %s", preforker.MaxWorkers, text)
	}
	return n, nil
}

func notANumber(text, example string) error {
	return usageErrorf(example, "read command line: NUM is a number of workers, not %q", text)
}

// site is where an application and its sockets are.
type site struct {
	app          preforker.App
	socketDir    string
	sendfileDirs []string // absolute; the application may have files below them sent by X-Sendfile
	buffered     bool     // lighttpd collects each response before it sends it
}

func readSite(ctx *cli.Context) (site, error) {
	root := ctx.String(optRoot)
	if root == "" {
		root = "."
	}
	root, err := absolute(root)
	if err != nil {
		return site{}, err
	}
	app, err := findApp(root, ctx.String(optRackup))
	if err != nil {
		return site{}, err
	}
	if app.URLPrefix, err = urlPrefix(ctx.String(optURLPrefix)); err != nil {
		return site{}, err
	}
	dir := ctx.String(optSocketDir)
	if dir == "" {
		dir = filepath.Join(app.Root, "log")
	}
	if dir, err = absolute(dir); err != nil {
		return site{}, err
	}
	return site{app: app, socketDir: dir, sendfileDirs: sendfileDirs(app.Root, ctx.StringSlice(optSendfileDir)),
		buffered: ctx.Bool(optBuffered)}, nil
}

func findApp(root, rackup string) (preforker.App, error) {
	if rackup == "" {
		return preforker.FindApp(root)
	}
	return preforker.FindRackup(root, rackup)
}

// urlPath is what web servers' configurations and SCRIPT_NAME have in the same form.
var urlPath = regexp.MustCompile(`^(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// urlPrefix is "" for a mount at the root, else a path without a slash at its end.
func urlPrefix(text string) (string, error) {
	prefix := strings.TrimRight(text, "/")
	if prefix == "" {
		return "", nil
	}
	if !urlPath.MatchString(prefix) {
		return "", usageErrorf("--url-prefix /shop", "read --%s: %q is not a URL path", optURLPrefix, text)
	}
	return prefix, nil
}

// environment is what Ruby finds in ENV. An explicit -e wins over both variables;
// otherwise each is kept where it is set, for some set them apart on purpose.
func environment(explicit, rails, rack, prefix string) []string {
	if explicit != "" {
		rails, rack = explicit, explicit
	}
	vars := []string{
		"RAILS_ENV=" + firstOf(rails, rack, "production"),
		"RACK_ENV=" + firstOf(rack, rails, "production"),
	}
	if prefix != "" {
		// SCRIPT_NAME tells Rails where its routes are; its assets want this.
		vars = append(vars, "RAILS_RELATIVE_URL_ROOT="+prefix)
	}
	return vars
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// findRuby answers the absolute path of the interpreter: it is started in the
// application's folder.
func findRuby(command string) (string, error) {
	path, err := exec.LookPath(command)
	if err != nil {
		return "", hint.Errorf("install Ruby 2.7 or later (apt-get install ruby), or name it with --ruby", "find Ruby: %w", err)
	}
	if path, err = absolute(path); err != nil {
		return "", err
	}
	// These start for many seconds before they could say it themselves.
	if real, err := filepath.EvalSymlinks(path); err == nil && forkless.MatchString(filepath.Base(real)) {
		return "", hint.Errorf("name a CRuby (MRI) with --ruby", "find Ruby: %s is %s, which cannot fork", path, filepath.Base(real))
	}
	return path, nil
}

// forkless are Rubies on a virtual machine that fork(2) would leave with one thread.
var forkless = regexp.MustCompile(`(?i)^(jruby|truffleruby)`)

func spawnMethod(text string) (preforker.SpawnMethod, error) {
	switch method := preforker.SpawnMethod(text); method {
	case preforker.SpawnSmart, preforker.SpawnDirect:
		return method, nil
	default:
		return "", usageErrorf("--spawn-method smart", "read --%s: %q is neither smart nor direct", optSpawnMethod, text)
	}
}

func mountedBy(text string) (preforker.MountedBy, error) {
	switch by := preforker.MountedBy(text); by {
	case preforker.MountedByAuto, preforker.MountedByLauncher, preforker.MountedByApp:
		return by, nil
	case "":
		return preforker.MountedByAuto, nil
	default:
		return "", usageErrorf("--mounted-by app", "read --%s: %q is neither auto nor launcher nor app", optMountedBy, text)
	}
}

func socketMode(text string) (os.FileMode, error) {
	mode, err := strconv.ParseUint(text, 8, 32)
	if err != nil || mode > 0o777 {
		return 0, usageErrorf("--socket-mode 0660", "read --%s: %q is not an octal mode up to 0777", optSocketMode, text)
	}
	return os.FileMode(mode), nil
}

// socketGroup is a gid, -1 where the group is left alone.
func socketGroup(name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	if gid, err := strconv.Atoi(name); err == nil && gid >= 0 {
		return gid, nil
	}
	group, err := user.LookupGroup(name)
	if err != nil {
		return 0, usageErrorf("--socket-group www-data", "read --%s: %v", optSocketGroup, err)
	}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		return 0, fmt.Errorf("read group %s: %w", name, err)
	}
	return gid, nil
}

func httpAddress(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err != nil || port == "" {
		return usageErrorf("--http 127.0.0.1:3000", "read --%s: %q is not an address with a port", optHTTP, text)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return usageErrorf("--http 127.0.0.1:3000", "read --%s: %q is not a port from 0 to 65535", optHTTP, port)
	}
	return nil
}

// positive refuses a time that would end everything at once.
func positive(ctx *cli.Context, options ...string) error {
	for _, option := range options {
		if d := ctx.Duration(option); d <= 0 {
			return usageErrorf("--"+option+" 30s", "read --%s: %v is not a time to wait", option, d)
		}
	}
	return nil
}
