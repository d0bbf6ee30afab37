package preforker

import (
	"log/slog"
	"strings"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/internal/wire"
	"launcher/preforker/ruby"
)

// failedAdvice is what a person can do about a slot or a generation that has failed.
const failedAdvice = "mend it and restart (HUP); without that it is tried again when the wait is over"

func failedLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.SlotFailed:
		text := "slot has failed: its workers die before they serve anything, one after the other"
		if f.Served {
			text = "slot has failed: its new workers die before they serve anything, one after the other; the older one serves on"
		}
		return routine(f.Again, slog.LevelError), text, slotFailedAttrs(f)
	case core.SlotRecovered:
		return slog.LevelInfo, "slot has recovered: its worker has come up", ofWorker(f.Worker, slog.Float64(keySeconds, seconds(f.After)))
	case core.GenerationFailed:
		text := "generation has failed: the application does not load, again and again; no worker serves"
		if f.Served {
			text = "generation has failed: the application does not load, again and again; the workers that are there serve on"
		}
		return routine(f.Again, slog.LevelError), text, []slog.Attr{slog.Int(keyGeneration, f.Failure.Generation), slog.Int(keyFailures, f.Failures),
			waits(f.Wait), slog.String(keyError, failureText(f.Failure)), slog.String(keyAdvice, failedAdvice)}
	}
	return 0, "", nil
}

func slotFailedAttrs(f core.SlotFailed) []slog.Attr {
	d := f.Death
	attrs := []slog.Attr{slog.Int(keySlot, f.Slot), slog.Int(keyDeaths, f.Deaths), waits(f.Wait)}
	attrs = append(append(attrs, ofWorker(d.Worker)[1:]...), slog.String(keyReason, string(d.Reason)), slog.String(keyExit, d.Exit.String()))
	attrs = withFailed(append(attrs, present(slog.String(keyRequest, d.Request))...), d.Failed)
	if frames := framesOf(d.Failed); len(frames) > 0 {
		attrs = append(attrs, slog.Any(keyBacktrace, frames))
	}
	if len(d.Lines) > 0 {
		attrs = append(attrs, slog.Any(keyLines, d.Lines))
	}
	return append(attrs, slog.String(keyAdvice, failedAdvice))
}

// waits is how long until the next try, as exactly as somebody reads it.
func waits(wait time.Duration) slog.Attr { return slog.Duration(keyWait, wait.Round(time.Millisecond)) }

// framesTold is how many frames of a backtrace are told: enough to find the place.
const framesTold = 10

// framesOf are the first frames of an exception, those of the application before all others.
func framesOf(failed *core.Failed) []string {
	if failed == nil {
		return nil
	}
	frames := append([]string{}, failed.Failure.AppFrames...)
	frames = append(frames, failed.Failure.Backtrace...)
	return frames[:min(len(frames), framesTold)]
}

// errorText is an exception in one line, or "".
func errorText(failed *core.Failed) string {
	if failed == nil {
		return ""
	}
	return ruby.FailureError(wire.Failure(failed.Failure)).Error()
}

// failureText is in one line why a load has failed, or why a preloader has died.
func failureText(f core.LoadFailure) string {
	if f.Was != core.ReadyPreloader {
		line, _, _ := strings.Cut(loadErrorOf(f).Error(), "\n")
		return line
	}
	text := "the preloader has loaded the application and died: " + f.Exit.String()
	if told := errorText(f.Failed); told != "" {
		text += ": " + told
	}
	return text
}
