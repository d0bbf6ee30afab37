package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"launcher/preforker/hint"
)

// maxLine is how long a line of progress can be.
const maxLine = 1 << 20

// follow has the launcher whose sockets are in a folder carry out a verb that Follow has made. Each
// piece of progress is told as it comes; the last line's result is read, unless that is nil.
func follow[P any](ctx context.Context, dir, path string, request any, tell func(P), result any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("ask the launcher: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	patience := time.AfterFunc(askTimeout, cancel) // for the beginning alone
	answer, err := ask(ctx, dir, http.MethodPost, path, body)
	if !patience.Stop() && err == nil {
		err = noAnswer(dir)
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	in := bufio.NewScanner(answer.Body)
	in.Buffer(nil, maxLine)
	for in.Scan() {
		line := in.Bytes()
		if answer.StatusCode != http.StatusOK {
			return refused(dir, http.MethodPost, path, answer, line)
		}
		var last struct {
			Done *bool `json:"done"`
		}
		if err := json.Unmarshal(line, &last); err != nil {
			return noLauncher(dir, err)
		}
		if last.Done != nil {
			return readOutcome(dir, path, line, result)
		}
		var progress P
		if err := json.Unmarshal(line, &progress); err != nil {
			return noLauncher(dir, err)
		}
		tell(progress)
	}
	switch err := in.Err(); {
	case ctx.Err() != nil:
		return fmt.Errorf("wait for the launcher: %w", context.Cause(ctx))
	case errors.Is(err, bufio.ErrTooLong):
		return noLauncher(dir, err)
	default:
		return hint.Errorf("see its log, and whether it still runs: launcher status", "wait for the launcher at %s: %w", socketOf(dir), errCutOff)
	}
}

// errCutOff is of progress that has no last line.
var errCutOff = errors.New("it has ended before it was done")
