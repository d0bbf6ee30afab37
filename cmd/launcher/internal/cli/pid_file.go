//go:build linux

package cli

import (
	"log/slog"
	"os"
	"strconv"

	"github.com/urfave/cli/v2"

	"launcher/preforker/smallfile"
)

const optPidFile = "pid-file"

func pidFileFlag() cli.Flag {
	return &cli.StringFlag{Name: optPidFile, EnvVars: env(optPidFile),
		Usage: "keep the launcher's pid in `FILE`, absolute or below the root, while it runs; log/launcher.pid is there anyway", DefaultText: "none"}
}

// maxPidFile is more than any pid file has.
const maxPidFile = 64

// pidFile is the path of --pid-file, "" where there is none. The file is for others to read: that one launcher runs in a folder is
// the affair of the lock there, so nobody is refused for a file that somebody has left.
type pidFile string

func readPidFile(ctx *cli.Context) pidFile {
	return pidFile(belowRoot(ctx.String(optRoot), ctx.String(optPidFile)))
}

// write writes the pid. Nothing of the launcher's own depends on the file, so it runs on where that fails.
func (f pidFile) write(log *slog.Logger) {
	if f == "" {
		return
	}
	if err := smallfile.Replace(string(f), ownPid(), 0o644); err != nil {
		log.Error("the pid file could not be written", keyError, err,
			keyTry, "name a file with --"+optPidFile+" in a folder that is there, and that this user may write to")
	}
}

// remove removes the file, unless it is another's by now.
func (f pidFile) remove(log *slog.Logger) {
	if f == "" {
		return
	}
	text, err := smallfile.Read(string(f), maxPidFile)
	if err != nil || string(text) != string(ownPid()) {
		return
	}
	if err := os.Remove(string(f)); err != nil {
		log.Warn("the pid file could not be removed", keyError, err)
	}
}

func ownPid() []byte { return []byte(strconv.Itoa(os.Getpid()) + "\n") }
