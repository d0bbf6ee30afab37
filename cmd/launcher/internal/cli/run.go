//go:build linux

package cli

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/experiment/report"
	"launcher/cmd/launcher/internal/systemd"
	"launcher/fcgi"
	"launcher/preforker"
	"launcher/preforker/hint"
	"launcher/preforker/linux"
)

// runName is the command of "launcher NUM", which a user types without a name.
const runName = "run"

func runCommand(stdout, stderr *os.File) *cli.Command {
	return &cli.Command{
		Name:   runName,
		Hidden: true,
		Usage:  "run a Rails or Rack application as forked FastCGI workers that share their memory",
		UsageText: "launcher [options] NUM           run NUM workers of the application in this folder\n" +
			"launcher config [options] NUM    print the web server's configuration for them\n" +
			"launcher config show            print the options that hold here, and where each comes from\n" +
			"launcher config check           try them without starting anything\n" +
			"launcher systemd [options] NUM   print a unit of systemd that runs them as a service\n" +
			"launcher status [options]        say what a running launcher and its workers do\n" +
			"launcher restart [options]       have it load the application anew, losing no request\n" +
			"launcher stop [options]          have it finish what it does, and end\n" +
			"launcher scale [options] NUM     change the number of its workers\n" +
			"launcher reopen [options]        have it open its logs anew, and the application's\n" +
			"launcher refork [options]        have it fork the next preloader from a warm worker now\n" +
			"launcher kill [options] SLOT     end the worker of a slot\n" +
			"launcher backtrace SLOT          say where the worker of a slot is\n" +
			"launcher events [options]        say what it has seen and decided last\n" +
			"launcher doctor [options]        say what stands in the way of forking this application\n" +
			"launcher experiment [options]    measure what forking saves for this application\n" +
			"launcher conformance ADDRESS     ask any FastCGI responder what it does with bad input\n" +
			"launcher completion SHELL        print completions for bash, zsh or fish\n" +
			"launcher man                     print the manual page\n" +
			"launcher help [command]          say how one of these is used\n" +
			"launcher version                 print the version\n",
		Description: "Loads the application once, forks NUM workers from it, and gives each a socket of its own,\n" +
			"log/fastcgi.socket-0 and so on, for lighttpd or any other FastCGI web server. The configuration for\n" +
			"lighttpd is printed on standard output, unless --http makes it needless, and kept beside the sockets; logs go to\n" +
			"standard error, or to --log-file.\n\n" +
			"Options stand anywhere on the command line. An option that is not there is taken from its environment\n" +
			"variable, unless that is empty, and else from the file config/launcher.yml below the root, which has them by\n" +
			"their names (workers: 4, http: [127.0.0.1:3000], drain-timeout: 30s).\n\n" +
			"NUM is a number, or auto: it is chosen from the CPUs and the memory that there are. Without it the environment variable\n" +
			"WEB_CONCURRENCY counts, or workers in the file. Where PORT is set, and neither --http nor --listen is given, it means --http :PORT.\n\n" +
			"Signals: TERM and INT let the workers finish what they do and stop, a second one kills; HUP, or\n" +
			"touching tmp/restart.txt, is launcher restart; TTIN adds a worker, TTOU takes one away; USR1 is launcher reopen;\n" +
			"USR2 has a new version of this program follow in the same process.\n\n" +
			"Exit status: 0 stopped as asked, 1 failed, 2 a mistake in the command line.",
		Flags:        runFlags(),
		Action:       func(ctx *cli.Context) error { return runWorkers(ctx, stdout, stderr) },
		OnUsageError: onUsageError,
	}
}

// garbagePercent is GOGC of the supervisor: its heap is collected at 1 MB instead of 4. It allocates
// hardly anything, and its memory counts with the workers'.
const garbagePercent = 25

// tuneRuntime has the front run on half of the processors at once, since the workers need the rest: with two, it spends a fifth of
// its time on waking the second one for what the first has nearly done. Whoever has set GOMAXPROCS has decided.
func tuneRuntime(front bool) {
	debug.SetGCPercent(garbagePercent)
	if front && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS((runtime.GOMAXPROCS(0) + 1) / 2)
	}
}

// runWorkers runs NUM workers of the application in the foreground.
func runWorkers(ctx *cli.Context, stdout, stderr *os.File) error {
	found, err := workerCount(ctx, "launcher 4")
	if err != nil {
		return err
	}
	// A reader of the log that leaves ("launcher 2 2>&1 | head -1") does not end the service: without
	// a handler, SIGPIPE of standard output or error ends a Go program.
	broken := make(chan os.Signal, 1)
	signal.Notify(broken, syscall.SIGPIPE)
	var signals <-chan os.Signal
	if systemd.IsPassed() {
		signals = notifyService() // connections may wait already, which the end of this process would reset
	}
	as, err := readAccount(ctx)
	if err != nil {
		return firstMistake(err)
	}
	console, file, err := openLog(ctx, stderr, as)
	if err != nil {
		return firstMistake(err)
	}
	defer file.close()
	defer console.close()
	err = firstMistake(runLogged(ctx, found, console, file, as, stdout, signals))
	if next := (*successor)(nil); err != nil && file != nil && !errors.As(err, &next) {
		console.log.Error("the launcher failed", keyError, err, keyTry, hint.Of(err))
	}
	return err
}

// runLogged is runWorkers once there is a log. Signals are nil where they have their usual effect so far.
func runLogged(ctx *cli.Context, found number, console *console, file *logFile, as *account, stdout *os.File, signals <-chan os.Signal) error {
	logger := console.log
	logCommandLine(ctx, found, logger)
	config, where, err := readConfig(ctx, found.workers)
	if err != nil {
		return err
	}
	remark(ctx, config, where, logger)
	config.Log, config.Stderr, config.Observer = logger, console.out, console
	config.LogJSON = ctx.String(optLogFormat) == formatJSON
	manager, given, err := connectManager(&config, ctx.Bool(optKeepSockets))
	if err != nil {
		return err
	}
	defer manager.Close()
	if err := addSnippets(ctx, where, &config, logger); err != nil {
		return err
	}
	if config.SocketUser, err = socketUser(ctx.String(optSocketUser), as); err != nil {
		return err
	}
	monitor, listener, err := listenBeside(ctx, where, &config, as, given)
	if err != nil {
		return err
	}
	defer monitor.close()
	defer listener.close()
	if err := as.become(config.SocketDir); err != nil {
		return err
	}
	config.ReopenLogs, config.Restarting = reopening(listener, file, lineOf(ctx), logger)
	config.RestartNote = lineOf(ctx).fileNote
	// From here on there is something to clean up.
	if signals == nil {
		signals = notifyService()
	}
	if os.Geteuid() == 0 && config.SocketGroup < 0 && listener == nil && config.Listen == nil {
		logger.Warn("the sockets belong to root: a web server that runs as another user needs --socket-group (www-data)")
	}
	tuneRuntime(listener != nil)
	releaseFonts(logger)
	if listener != nil {
		config.Front = listener
	}
	run := newService(ctx, &config, listener, monitor, console)
	supervisor, err := preforker.New(config)
	if err != nil {
		return as.explain(err, config.SocketDir)
	}
	monitor.of(supervisor)
	console.address = slog.String(keyInclude, filepath.Join(config.SocketDir, snippetName))
	if listener != nil {
		listener.passedLimit = supervisor.PassedLimit
		console.address = slog.String(keyURL, listener.home(where.app.URLPrefix))
	} else {
		defer printAside(stdout, config.Snippet, logger)()
	}
	run.supervisor = supervisor
	return run.untilSuccessor(signals, manager.Environment())
}

// listenBeside listens where the launcher itself is asked, beside the slots.
func listenBeside(ctx *cli.Context, where site, config *preforker.Config, as *account, given *givenSockets) (*monitor, *httpListener, error) {
	monitor, err := listenMetrics(ctx, config, given)
	if err != nil {
		return nil, nil, err
	}
	if monitor.dashboard, err = listenDashboard(ctx, config, given); err != nil {
		monitor.close()
		return nil, nil, err
	}
	listener, err := listenHTTP(ctx, where, *config, as, given)
	if err != nil {
		monitor.close()
		return nil, nil, err
	}
	return monitor, listener, nil
}

// logCommandLine logs what is to be said of the command line and of the variables that are read beside it.
func logCommandLine(ctx *cli.Context, found number, logger *slog.Logger) {
	for _, warning := range ctx.App.Metadata[warningsKey].([]string) {
		logger.Warn(warning)
	}
	for _, note := range ctx.App.Metadata[notesKey].([]string) {
		logger.Info(note)
	}
	if found.why != "" {
		logger.Info("the number of workers is chosen", keyWorkers, found.workers, keyReason, found.why)
	}
}

// reopening returns what opens the launcher's own logs anew, and what is done where a restart is asked for.
func reopening(listener *httpListener, file *logFile, line *commandLine, logger *slog.Logger) (reopen func() error, restarting func()) {
	reopen = func() error {
		listener.reopenLog()
		return file.reopen()
	}
	return reopen, func() {
		listener.reload(logger)
		line.logFileChanges(logger)
		if err := file.reopen(); err != nil {
			logger.Error(err.Error(), keyTry, hint.Of(err))
		}
	}
}

// openLog begins the log, where the options say. The file is nil where that is standard error.
func openLog(ctx *cli.Context, stderr *os.File, as *account) (*console, *logFile, error) {
	file, err := openLogFile(ctx, as)
	if err != nil {
		return nil, nil, err
	}
	out := stderr
	if file != nil {
		out = file.file
	}
	console, err := newConsole(out, ctx.String(optLogFormat), ctx.String(optLogLevel))
	if err != nil {
		file.close()
		return nil, nil, err
	}
	console.startedFrom(stderr)
	return console, file, nil
}

// releaseFonts gives back what the start has read of fonts, which the experiment alone draws with. Where it
// fails nothing else does.
func releaseFonts(logger *slog.Logger) {
	for _, font := range report.Fonts() {
		if err := linux.ReleaseConstant(font); err != nil {
			logger.Debug("the pages of a font could not be given back", keyError, err)
		}
	}
}

// remark logs what has no effect, and which folders may not be the ones that are meant.
func remark(ctx *cli.Context, config preforker.Config, where site, logger *slog.Logger) {
	for _, warning := range slices.Concat(withoutEffect(ctx, config), openPorts(where, config.Allow), deployWarnings(where.app.Root, where.socketDir),
		missingSendfileDirs(where.app.Root, ctx.StringSlice(optSendfileDir))) {
		logger.Warn(warning)
	}
	if dir, err := os.Getwd(); err == nil && ctx.String(optRoot) == "" && dir != where.app.Root {
		logger.Info("the application is known by the link that leads to it (--root names another)", keyRoot, where.app.Root)
	}
}

// addSnippets has the web server's configuration made for so many workers as there are to be, and for others.
func addSnippets(ctx *cli.Context, where site, config *preforker.Config, logger *slog.Logger) (err error) {
	if config.SnippetOf, err = snippets(ctx, where, logger); err == nil {
		config.Snippet, err = config.SnippetOf(config.Workers)
	}
	return err
}

// snippets returns a function that returns the configuration for the lighttpd of this machine, as far as its version can be known, and
// so many workers.
func snippets(ctx *cli.Context, where site, logger *slog.Logger) (func(workers int) (string, error), error) {
	server, err := webServer(defaultServer)
	if err != nil {
		return nil, err
	}
	version, err := server.version(ctx.Context, "", "")
	if err != nil {
		logger.Warn("the version of lighttpd is unknown", keyError, err)
		version = server.DefaultVersion()
	}
	warned := false
	return func(workers int) (string, error) {
		at, err := where.webserver(where.targets(workers))
		if err != nil {
			return "", err
		}
		config, err := server.Snippet(at, version)
		for _, warning := range config.Warnings {
			if !warned {
				logger.Warn(warning)
			}
		}
		warned = true
		return config.Text, err
	}, nil
}

// printAside prints the configuration in a goroutine, since its reader may stall, and returns a function that
// waits for that a moment at most.
func printAside(stdout io.Writer, text string, logger *slog.Logger) (wait func()) {
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		if _, err := io.WriteString(stdout, text); err != nil {
			logger.Warn("the configuration could not be printed", keyError, err)
		}
	}()
	return func() {
		select {
		case <-printed:
		case <-time.After(flushTimeout):
		}
	}
}

// retryAfter is the Retry-After of a refused request: a worker is back by then, or none comes up.
const retryAfter = 5 * time.Second

// refuse responds to a request whose slot has no worker.
func refuse(conn net.Conn) {
	// An error is the peer's: it has left, or what it sent is no request.
	_ = fcgi.Refuse(conn, http.StatusServiceUnavailable, "The application is not running.\n", retryAfter)
}
