//go:build linux

package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/urfave/cli/v2"

	"launcher/preforker/hint"
	"launcher/preforker/linux"
)

func logFileFlag() cli.Flag {
	return &cli.StringFlag{Name: optLogFile, EnvVars: env(optLogFile),
		Usage: "append the log, and what the application prints, to `FILE`, absolute or below the root; USR1 and launcher reopen open it anew", DefaultText: "standard error"}
}

// logFile is the file of --log-file.
type logFile struct {
	path string
	file *os.File // stays the same when the file is opened anew
}

// openLogFile opens the file that the option names, nil where it names none.
func openLogFile(ctx *cli.Context, as *account) (*logFile, error) {
	path := belowRoot(ctx.String(optRoot), ctx.String(optLogFile))
	if path == "" {
		return nil, nil
	}
	path, err := absolute(path)
	if err != nil {
		return nil, err
	}
	var file *os.File
	err = as.open(path, func() (err error) {
		file, err = appendTo(path)
		return err
	})
	if err != nil {
		return nil, usageErrorf(logFileHint(path, err), "read --%s: %w", optLogFile, err)
	}
	return &logFile{path: path, file: file}, nil
}

// logFileHint says what to do about a log file that could not be opened.
func logFileHint(path string, err error) string {
	if folder := filepath.Dir(path); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return "mkdir -p " + folder + ", or name a file elsewhere"
		}
	}
	return "name a file that may be written, in a folder that is there"
}

// appendTo opens a file to append to. A FIFO that nobody reads is an error, and not waited for.
func appendTo(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, 0o640)
}

// reopen opens the file anew. Where it cannot be had, the one before is written on.
func (l *logFile) reopen() error {
	if l == nil {
		return nil
	}
	file, err := appendTo(l.path)
	if err == nil {
		err = linux.Exchange(l.file, file)
		_ = file.Close()
	}
	if err != nil {
		return hint.Errorf("see who may write to it and its folder", "open the log anew, which stays the file that is open: %w", err)
	}
	return nil
}

func (l *logFile) close() {
	if l != nil {
		_ = l.file.Close()
	}
}
