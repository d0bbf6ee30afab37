package preforker

import (
	"context"
	"log/slog"

	"launcher/preforker/core"
)

// limitLine is a fact about limits as a line of the log.
func limitLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.RequestTimedOut:
		return slog.LevelError, "request has not begun its response in time: its worker has to end (--request-timeout)",
			ofWorker(f.Worker, slog.String(keyRequest, f.Request), slog.Float64(keySeconds, seconds(f.After)))
	case core.RequestSlow:
		return slog.LevelWarn, "request takes long (--slow-log)",
			ofWorker(f.Worker, slog.String(keyRequest, f.Request), slog.Float64(keySeconds, seconds(f.After)))
	case core.MemoryExceeded:
		return slog.LevelError, "worker has more memory of its own than it may, and has to end (--memory-limit)",
			ofWorker(f.Worker, present(slog.String(keyPrivate, megabytes(f.Private)), slog.String(keyLimit, megabytes(f.Limit)),
				slog.String(keyRequest, f.Request))...)
	case core.ThreadLocated:
		return levelOf(f), "backtrace of a thread", ofThread(f, slog.String(keyState, f.Thread.State))
	case core.ThreadsLeftOut:
		return slog.LevelWarn, "backtraces are left out: there were too many in the last seconds", ofWorker(f.Worker, slog.Int(keyThreads, f.Threads))
	case core.WorkerNotLocated:
		return slog.LevelError, "no backtrace could be had: Ruby does not run in the worker, which hangs in C or is stopped", ofWorker(f.Worker)
	case core.RecycleAsked:
		return slog.LevelInfo, "worker is to be replaced: the application asks for it", ofWorker(f.Worker, slog.String(keyReason, f.Why))
	}
	return 0, "", nil
}

// reportFrames tells where a thread is, a frame a line.
func (s *Supervisor) reportFrames(f core.ThreadLocated) {
	for _, frame := range f.Thread.Frames {
		s.log.LogAttrs(context.Background(), levelOf(f), "  "+frame, ofThread(f)...)
	}
	if f.Thread.LeftOut > 0 {
		s.log.LogAttrs(context.Background(), levelOf(f), "  …", ofThread(f, slog.Int(keyLeftOut, f.Thread.LeftOut))...)
	}
}

func levelOf(f core.ThreadLocated) slog.Level {
	if f.Slow {
		return slog.LevelWarn
	}
	return slog.LevelError
}

func ofThread(f core.ThreadLocated, more ...slog.Attr) []slog.Attr {
	return append(ofWorker(f.Worker, slog.String(keyThread, f.Thread.Name)), more...)
}
