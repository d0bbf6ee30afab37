package preforker

import (
	"log/slog"

	"launcher/preforker/core"
)

// scaleLine is of slots that come and go, or are parked.
func scaleLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.ScaleBegan:
		return slog.LevelInfo, "the number of workers changes", []slog.Attr{slog.String(keyBy, f.By), slog.Int(keyWorkers, f.To), slog.Int(keyBefore, f.From)}
	case core.ScaleIgnored:
		if f.Stopping {
			return slog.LevelWarn, "the number of workers stays: the launcher is stopping", []slog.Attr{slog.String(keyBy, f.By)}
		}
		return slog.LevelInfo, "the number of workers is that already", []slog.Attr{slog.String(keyBy, f.By), slog.Int(keyWorkers, f.Slots)}
	case core.ScaleCompleted:
		return slog.LevelInfo, "the number of workers has changed", []slog.Attr{slog.Int(keyWorkers, f.Slots)}
	case core.SlotWoken:
		return slog.LevelDebug, "a connection waits at a parked slot", []slog.Attr{slog.Int(keySlot, f.Slot)}
	case core.SlotParked:
		return slog.LevelDebug, "an idle worker leaves, and its slot is parked",
			ofWorker(f.Worker, waits(f.Idle), slog.Uint64(keyServed, f.Served))
	}
	return 0, "", nil
}
