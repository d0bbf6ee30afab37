//go:build linux

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/preforker/control"
	"launcher/preforker/linux"
	"launcher/preforker/printable"
)

// Names of the options of events.
const (
	optFollow = "follow"
	optLast   = "last"
)

func eventsCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "events",
		Usage:     "say what a running launcher has seen and decided last",
		ArgsUsage: " ",
		UsageText: "launcher events [options]",
		Description: "The last lines of its log about workers, loads, reforks, restarts and limits, with the same time, level, message and\n" +
			"keys, wherever that log goes: a thousand at the most, 192 kB. What applications print is not among them. With --json\n" +
			"each is an object in a line of its own." + runningDescription,
		Flags: runningFlags(jsonFlag(),
			&cli.BoolFlag{Name: optFollow, Usage: "go on with each event as it comes, until the launcher ends"},
			&cli.IntFlag{Name: optLast, DefaultText: "all that are kept", Value: -1, Usage: "so many of the last ones, `COUNT`"}),
		Action:       func(ctx *cli.Context) error { return events(ctx, stdout) },
		OnUsageError: onUsageError,
	}
}

func events(ctx *cli.Context, stdout io.Writer) error {
	dir, err := runningDir(ctx, 0)
	if err != nil {
		return err
	}
	last := ctx.Int(optLast)
	if ctx.IsSet(optLast) && last < 0 {
		return usageErrorf("launcher events --last 20", "read --%s: %d is no number of events", optLast, last)
	}
	if last < 0 {
		last = 1 << 20
	}
	waiting, stop, end := untilSignal(ctx.Context, func() {})
	defer end()
	printed := func(line json.RawMessage) error {
		if ctx.Bool(optJSON) {
			_, err := escaper{stdout}.Write(append(bytes.Clone(line), '\n'))
			return err
		}
		_, err := io.WriteString(stdout, eventText(line))
		return err
	}
	if ctx.Bool(optFollow) {
		endWithReader(waiting, stop, stdout)
		var broken error
		err := control.FollowEvents(waiting, dir, control.EventsRequest{Last: last}, func(line json.RawMessage) {
			if broken = printed(line); broken != nil {
				stop(broken)
			}
		})
		if broken == nil && context.Cause(waiting) != nil {
			return nil // it is how following ends
		}
		return err
	}
	found, err := control.AskEvents(waiting, dir)
	if err != nil {
		return err
	}
	for _, line := range found.Events[max(0, len(found.Events)-last):] {
		if err := printed(line); err != nil {
			return fmt.Errorf("print events: %w", err)
		}
	}
	return nil
}

// endWithReader ends what follows once nobody reads what it prints: head(1) and grep -m are done, and the next event may be far.
func endWithReader(waiting context.Context, stop context.CancelCauseFunc, stdout io.Writer) {
	file, is := stdout.(*os.File)
	if !is {
		return
	}
	go func() {
		if linux.AwaitNoReader(waiting, file) {
			stop(errors.New("nobody reads what it prints"))
		}
	}()
}

// eventText is an event as the log has it in text. What is no event is printed as it is.
func eventText(line json.RawMessage) string {
	record, err := readEvent(line)
	if err != nil {
		return printable.Escape(strings.TrimSpace(string(line))) + "\n"
	}
	var out strings.Builder
	_ = slog.NewTextHandler(&out, nil).Handle(context.Background(), record) // to memory
	return out.String()
}

// readEvent reads an event whose keys keep their order.
func readEvent(line json.RawMessage) (record slog.Record, err error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	if _, err := decoder.Token(); err != nil {
		return record, err
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return record, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return record, err
		}
		name, _ := key.(string)
		switch name {
		case slog.TimeKey:
			err = json.Unmarshal(value, &record.Time)
		case slog.LevelKey:
			err = json.Unmarshal(value, &record.Level)
		case slog.MessageKey:
			err = json.Unmarshal(value, &record.Message)
		default:
			record.AddAttrs(eventAttr(name, value))
		}
		if err != nil {
			return record, err
		}
	}
	if record.Message == "" {
		return record, errors.New("it has no message")
	}
	return record, nil
}

// eventAttr is a value as the log has it in text, where times have a unit.
func eventAttr(name string, value json.RawMessage) slog.Attr {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return slog.String(name, text)
	}
	if of, is := strings.CutSuffix(name, "_seconds"); is {
		if seconds, err := strconv.ParseFloat(string(value), 64); err == nil {
			return slog.Duration(of, duration(seconds))
		}
	}
	return slog.String(name, string(value))
}
