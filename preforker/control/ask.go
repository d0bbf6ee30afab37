package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"launcher/preforker/hint"
	"launcher/preforker/sockets"
)

const (
	// askTimeout is for a launcher on a machine that has no time for it.
	askTimeout = 5 * time.Second
	// maxAnswer is far more than 1024 workers take.
	maxAnswer = 16 << 20
)

// AskStatus asks the launcher whose sockets are in a folder. The text is the JSON as it came: a
// newer launcher may tell more than Status has.
func AskStatus(ctx context.Context, dir string) (status Status, text []byte, err error) {
	if err := sockets.CheckPaths(dir, 1); err != nil {
		return status, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	text, err = ask(ctx, dir, requestStatus)
	if err != nil {
		return status, nil, err
	}
	var answer struct {
		Status
		refusal
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return status, nil, hint.Errorf("see who listens there: fuser -v "+filepath.Join(dir, SocketName),
			"read status: the answer is no launcher's: %w", err)
	}
	switch {
	case answer.Error != "":
		return status, nil, fmt.Errorf("ask for the status: %q", answer.Error)
	case answer.Version != StatusVersion:
		return status, nil, hint.Errorf("use the same launcher that runs there",
			"read status: it has version %d, not %d", answer.Version, StatusVersion)
	}
	return answer.Status, text, nil
}

func ask(ctx context.Context, dir, request string) ([]byte, error) {
	path := filepath.Join(dir, SocketName)
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, hint.Errorf("move it away: a launcher that runs makes its own", "find launcher: %s is there and is not a socket", path)
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, unreached(dir, path, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	_, err = conn.Write([]byte(request + "\n"))
	var text []byte
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(conn, maxAnswer+1))
	}
	switch {
	case ctx.Err() != nil && len(text) <= maxAnswer:
		return nil, fmt.Errorf("ask the launcher at %s: no answer within %v", path, askTimeout)
	case errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET), err == nil && len(text) == 0:
		return nil, fmt.Errorf("ask the launcher at %s: it has just ended", path)
	case err != nil:
		return nil, fmt.Errorf("ask the launcher at %s: %w", path, err)
	case len(text) > maxAnswer:
		return nil, fmt.Errorf("ask the launcher at %s: the answer has more than %d bytes", path, maxAnswer)
	}
	return text, nil
}

// unreached says why nobody could be asked.
func unreached(dir, path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return hint.Errorf("name the folder of its sockets with --socket-dir, or start it with launcher NUM",
			"find launcher: none runs with its sockets in %s", dir)
	case errors.Is(err, syscall.ECONNREFUSED):
		return hint.Errorf("start it with launcher NUM, or name another folder with --socket-dir",
			"find launcher: none runs with its sockets in %s; the one that left %s was killed", dir, SocketName)
	case errors.Is(err, syscall.EPROTOTYPE): // of another type
		return hint.Errorf("move it away: a launcher that runs makes its own", "find launcher: %s is another program's", path)
	case errors.Is(err, syscall.EAGAIN):
		return hint.Errorf("ask again in a while", "ask the launcher at %s: too many ask at once", path)
	case errors.Is(err, fs.ErrPermission):
		return hint.Errorf("ask as the user who runs it: sudo -u "+ownerOf(path)+" launcher status --socket-dir "+dir,
			"find launcher: %s may be asked by its owner alone", path)
	default:
		return fmt.Errorf("ask the launcher: %w", err)
	}
}

// ownerOf is the name of a file's owner, as far as it can be seen.
func ownerOf(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return "USER"
	}
	uid := strconv.FormatUint(uint64(info.Sys().(*syscall.Stat_t).Uid), 10)
	if owner, err := user.LookupId(uid); err == nil {
		return owner.Username
	}
	return "#" + uid
}
