package preforker

import (
	"log/slog"
	"strings"

	"launcher/preforker/core"
)

// verbLine is a fact about what somebody has asked for as a line of the log.
func verbLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.RestartBegan:
		return slog.LevelInfo, "restart asked for", []slog.Attr{askedBy(f.By), slog.Int(keyGeneration, f.Generation)}
	case core.RestartNoted:
		return slog.LevelInfo, "restart noted: the application is loaded once more after this load", []slog.Attr{askedBy(f.By)}
	case core.RestartIgnored:
		if f.Succeeded {
			return slog.LevelInfo, "restart is the next launcher's start: it loads the application", []slog.Attr{askedBy(f.By)}
		}
		return slog.LevelWarn, "restart ignored: the launcher is stopping", []slog.Attr{askedBy(f.By)}
	case core.RestartEnded:
		return restartEndLine(f)
	case core.StopBegan:
		return slog.LevelInfo, "stopping", []slog.Attr{askedBy(f.By), slog.Duration(keyTimeout, f.Timeout)}
	case core.StopNoted:
		return slog.LevelInfo, "stop asked for once more: it is under way", []slog.Attr{askedBy(f.By), slog.Int(keyWorkers, f.Workers)}
	case core.SuccessorDismissed:
		return slog.LevelInfo, "stopping: no other launcher follows", []slog.Attr{askedBy(f.By), slog.Duration(keyTimeout, f.Timeout), slog.Int(keyWorkers, f.Workers)}
	case core.KillingAll:
		if f.By == "" {
			return slog.LevelWarn, "killing what is left", []slog.Attr{slog.Duration(keyTimeout, f.Timeout)}
		}
		return slog.LevelWarn, "killing what is left", []slog.Attr{askedBy(f.By)}
	case core.KillBegan:
		text := "worker is to leave: asked for"
		if f.Now {
			text = "worker is killed: asked for"
		}
		return slog.LevelWarn, text, ofWorker(f.Worker, present(askedBy(f.By), slog.String(keyRequest, f.Request))...)
	case core.KillNoted:
		return slog.LevelInfo, "worker leaves already", ofWorker(f.Worker, present(askedBy(f.By), slog.String(keyReason, string(f.Reason)), slog.String(keyRequest, f.Request))...)
	case core.KillRefused:
		return slog.LevelInfo, "no worker is ended", []slog.Attr{slog.Int(keySlot, f.Slot), askedBy(f.By), slog.String(keyReason, string(f.Why))}
	case core.BacktraceBegan:
		return slog.LevelDebug, "backtrace asked for", []slog.Attr{slog.Int(keySlot, f.Slot), askedBy(f.By)}
	case core.BacktraceMissing:
		return slog.LevelInfo, "worker has not said where its threads are: Ruby does not run in it", ofWorker(f.Worker)
	case core.BacktraceRefused:
		return slog.LevelDebug, "no worker is asked for a backtrace", []slog.Attr{slog.Int(keySlot, f.Slot), askedBy(f.By), slog.String(keyReason, string(f.Why))}
	case core.ReforkNowBegan:
		return slog.LevelInfo, "refork asked for", ofWorker(f.Worker, askedBy(f.By), slog.Uint64(keyServed, f.Served))
	case core.ReforkNowRefused:
		return slog.LevelInfo, "no worker is asked for a refork", []slog.Attr{askedBy(f.By), slog.String(keyReason, string(f.Why))}
	}
	return 0, "", nil
}

// askedBy names a signal, or who or what else has asked for something.
func askedBy(by string) slog.Attr {
	if by == strings.ToUpper(by) {
		return slog.String(keySignal, by)
	}
	return slog.String(keyBy, by)
}

// restartEndLine has no text where another line has told the end.
func restartEndLine(f core.RestartEnded) (slog.Level, string, []slog.Attr) {
	switch f.End {
	case core.RestartServed:
		return slog.LevelInfo, "restart is done: the new generation serves all slots", []slog.Attr{slog.Int(keyGeneration, f.Generation)}
	case core.RestartNotUp:
		return slog.LevelError, "restart has come to nothing: workers of the new generation die as they come up; those that are there serve on",
			[]slog.Attr{slog.Int(keyGeneration, f.Generation), slog.Int(keyDeaths, f.Deaths)}
	case core.RestartReplaced:
		return slog.LevelInfo, "restart is replaced by a later one", present(slog.Int(keyGeneration, f.Generation))
	}
	return 0, "", nil
}
