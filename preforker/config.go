package preforker

import (
	"context"
	"log/slog"
	"net"
	"os"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/ruby"
	"launcher/preforker/sockets"
)

// What the user may choose, in the core's words.
type (
	SpawnMethod = core.SpawnMethod
	Renewal     = core.Renewal
	Budget      = core.Budget
	Refork      = core.Refork
	Limits      = core.Limits
)

// How workers come to be.
const (
	SpawnSmart  = core.SpawnSmart
	SpawnDirect = core.SpawnDirect
)

// Config is what a supervisor is told.
type Config struct {
	App     ruby.App
	Workers int
	Version string // of this program, for who asks
	Ruby    string // path of the interpreter

	SocketDir   string      // absolute
	SocketMode  os.FileMode // permission bits
	SocketUser  int         // uid, as linux.SocketOptions has it
	SocketGroup int         // gid, -1 leaves the group alone

	// Listen are the addresses and ports of the slots, in their order; nil: they have unix sockets in SocketDir.
	Listen []string
	Allow  Allow // who may connect there; nil: whoever can

	SpawnMethod SpawnMethod // SpawnSmart, where it is empty

	Without []ruby.Optimization // that are not to be used
	Warmup  ruby.Warmup
	Renewal Renewal // when a fork takes a worker's place
	Limits  Limits  // that end a worker, also in the middle of a request

	Refork       Refork
	Early        int           // workers that serve before what keeps memory shared is prepared; 0: none does
	Seeds        int           // workers that a generation grows from; 0: all slots are filled from what was loaded
	SeedTime     time.Duration // that they have for it
	Spare        core.Spare    // whether a worker without a slot is kept
	Min          int           // slots that have a worker at all times, the others when somebody connects to them; 0: all have
	IdleTimeout  time.Duration // after which a worker leaves that nobody needs
	BootTimeout  time.Duration // of a preloader, and of a worker
	DrainTimeout time.Duration

	// Snippet is the web server's configuration for these sockets, kept beside
	// them in a file of this name.
	Snippet     string
	SnippetName string
	// SnippetOf returns that for another number of workers. It does not wait.
	SnippetOf func(workers int) (string, error)

	// Refuse answers a connection that nobody can serve, in the protocol of
	// the web server, and closes it.
	Refuse func(net.Conn)

	// Front is an HTTP front in this process; nil where there is none.
	Front Front

	// Given are listening sockets that this process was started with, by slot.
	Given map[int]sockets.Given
	// Keeper has copies of the sockets for the next launcher; nil: nobody has.
	Keeper Keeper

	// Manager is told how the service is; nil where no service manager has asked for that.
	Manager Manager

	// Restarting is called when a restart is asked for, by whomever; nil where nobody wants to know.
	Restarting func()
	// RestartNote returns what a client of the control socket who asks for a restart is to know besides, "" for nothing. It may read
	// files. nil: there is never anything.
	RestartNote func() string

	// Stop ends the service when a client of the control socket asks for that: what else belongs to it has to end too. It waits until
	// that has begun, or the context ends. nil: the supervisor is all there is.
	Stop func(ctx context.Context, by string, now bool)

	// ReopenLogs opens the logs of this process anew, which may have been moved away; nil: there are none. It may wait for a disk.
	ReopenLogs func() error

	// Pages are further things to ask at the control socket, of whoever runs the supervisor.
	Pages []control.Verb

	Record string // file for what the core is told and decides, which grows for ever; "": none

	Log      *slog.Logger
	LogJSON  bool     // each line of it is a JSON object: Ruby's are to be so too
	Stderr   *os.File // of the workers, and of a preloader that has loaded
	Observer Observer
}

// Observer is told what a person at a terminal would like to know. Its methods are
// called by the supervisor's loop, and must not wait; Printed and Wrote by other goroutines too.
type Observer interface {
	// Loading says that a generation begins to load.
	Loading(generation int)
	// Printed passes on a line that the application printed while it loads.
	Printed(line string)
	// Wrote passes on a line that a process printed once it has loaded. It may wait a moment.
	Wrote(line Line)
	// Loaded says that a generation has loaded: its workers come next.
	Loaded(generation int)
	// Settled says that a load has failed, or that a slot waits: there is
	// nothing to watch for now.
	Settled()
	// Served says that all of so many slots are served by this generation, by so many workers: of some a few serve others too. With
	// seeds the others come once one of them is warm, otherwise once memory is prepared.
	Served(generation, slots, workers int, seeds bool)
	// Serving says that every slot has a ready worker of this generation.
	Serving(generation int, workers []WorkerView)
	// Stopping says that the supervisor is about to end.
	Stopping()
}

// WorkerView is a worker as others may see it.
type WorkerView struct {
	Slot       int
	Generation int
	Pid        int
	State      core.WorkerState
	Socket     string
}
