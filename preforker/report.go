package preforker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/hint"
	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
	"launcher/preforker/proc"
	"launcher/preforker/ruby"
)

// report tells a fact to the log, and to a person at a terminal.
func (s *Supervisor) report(fact core.Fact) {
	switch f := fact.(type) {
	case core.LoadBegan:
		s.config.Observer.Loading(f.Generation)
	case core.GenerationLoaded:
		s.config.Observer.Loaded(f.Origin.Generation)
	case core.LoadFailed, core.SlotWaits, core.SlotFailed, core.ReleaseHeld:
		s.config.Observer.Settled()
	}
	s.noteLimit(fact)
	level, text, attrs := lineOf(fact)
	if text != "" {
		s.log.LogAttrs(context.Background(), level, text, attrs...)
		if level >= slog.LevelInfo || s.log.Enabled(context.Background(), level) {
			s.events.note(time.Now(), level, text, attrs)
		}
	}
	if located, is := fact.(core.ThreadLocated); is {
		s.reportFrames(located)
	}
	if refused, is := fact.(core.ReforkRefused); is {
		for _, finding := range refused.Findings {
			s.log.LogAttrs(context.Background(), level, "in the way of a refork: "+finding.Text, slog.Int(keyGeneration, refused.Origin.Generation),
				slog.String(keyKind, finding.Kind), slog.String(keyWhere, finding.Where))
		}
	}
}

// lineOf is a fact as a line of the log. The text is "" for a fact that the log does not have.
func lineOf(fact core.Fact) (level slog.Level, text string, attrs []slog.Attr) {
	for _, of := range []func(core.Fact) (slog.Level, string, []slog.Attr){
		loadLine, preloaderLine, workerLine, workerEndLine, spareLine, slotLine, scaleLine,
		failedLine, reforkLine, seedLine, trialLine, memoryLine, limitLine, verbLine, supervisorLine} {
		if level, text, attrs = of(fact); text != "" {
			return level, text, attrs
		}
	}
	return level, "", nil
}

func loadLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.PreloaderLoads:
		return slog.LevelInfo, "preloader is loading the application",
			[]slog.Attr{slog.Int(keyGeneration, f.Origin.Generation), slog.Int(keyPid, f.Pid), slog.String(keyRuby, f.Ruby)}
	case core.WorkerLoads:
		return slog.LevelInfo, "worker is loading the application", ofWorker(f.Worker, slog.String(keyRuby, f.Ruby))
	case core.GenerationLoaded:
		if f.Worker != nil {
			return slog.LevelInfo, "worker loaded the application", loadAttrs(f.Load, ofWorker(*f.Worker))
		}
		return slog.LevelInfo, "preloader loaded the application", loadAttrs(f.Load, ofOrigin(f.Origin, slog.Int(keyPid, f.Load.Pid)))
	case core.MemoryPrepared:
		return slog.LevelInfo, "preloader has prepared what keeps memory shared", ofOrigin(f.Origin, slog.Float64(keySeconds, f.Seconds))
	case core.PreparationTimedOut:
		return slog.LevelError, "preloader has not prepared what keeps memory shared in time, and is killed",
			ofOrigin(f.Origin, slog.Duration(keyTimeout, f.Timeout))
	case core.FindingMade:
		return slog.LevelWarn, f.Finding.Text, present(slog.Int(keyGeneration, f.Generation), slog.String(keyKind, f.Finding.Kind),
			slog.String(keyWhere, f.Finding.Where), slog.String(keyAdvice, f.Finding.Advice))
	case core.LoadFailed:
		err := loadErrorOf(f.Failure)
		return slog.LevelError, "generation failed to load; the workers that are there serve on",
			present(slog.Int(keyGeneration, f.Failure.Generation), slog.Any(keyError, err), slog.String(keyAdvice, hint.Of(err)))
	case core.LoadWaits:
		return routine(f.Failed, slog.LevelWarn), "the next load waits", []slog.Attr{slog.Int(keyGeneration, f.Generation), waits(f.Wait)}
	}
	return 0, "", nil
}

func loadAttrs(load core.Load, attrs []slog.Attr) []slog.Attr {
	return append(attrs, present(slog.Float64(keySeconds, load.Seconds), slog.String(keyRuby, load.Ruby),
		slog.String(keyRails, load.Rails), slog.String(keyRack, load.Rack))...)
}

func preloaderLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.PreloaderRetired:
		return slog.LevelInfo, "preloader retired", ofOrigin(f.Origin)
	case core.PreloaderLeft:
		return slog.LevelInfo, "preloader exited", ofOrigin(f.Origin, slog.String(keyExit, f.Exit.String()))
	case core.PreloaderDied:
		return slog.LevelError, "preloader died; its workers serve on",
			append(withFailed(ofOrigin(f.Origin, slog.String(keyExit, f.Exit.String())), f.Failed), present(slog.String(keyReason, string(f.Reason)))...)
	case core.PreloaderContinued:
		return slog.LevelWarn, "preloader was stopped by a signal and is continued", ofOrigin(f.Origin)
	}
	return 0, "", nil
}

func workerLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.WorkerServes:
		attrs := ofWorker(f.Worker, slog.Float64(keySeconds, seconds(f.After)))
		if f.Spare {
			attrs = append(attrs, slog.Bool(keySpare, true))
		}
		return routine(f.Renewal, slog.LevelInfo), "worker is ready", attrs
	case core.WorkerNotStarted:
		return slog.LevelError, "worker could not be started", ofWorker(f.Worker, slog.Any(keyError, ruby.FailureError(wire.Failure(f.Failure))))
	case core.WorkerFinishesLate:
		return slog.LevelWarn, "worker was replaced and still finishes its last request",
			ofWorker(f.Worker, slog.String(keyReason, string(f.Reason)), slog.Duration(keyTimeout, f.Timeout))
	case core.WorkerLeavesUnasked:
		return slog.LevelInfo, "worker leaves by itself", ofWorker(f.Worker)
	case core.WorkerContinued:
		return slog.LevelWarn, "worker was stopped by a signal and is continued", ofWorker(f.Worker, present(slog.String(keyRequest, f.Request))...)
	}
	return 0, "", nil
}

func workerEndLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.WorkerLeft:
		attrs := ofWorker(f.Worker, slog.String(keyExit, f.Exit.String()), slog.Uint64(keyServed, f.Served))
		if f.Reason.Renewal() {
			attrs = append(attrs, slog.String(keyPrivate, megabytes(f.Private)))
		}
		if f.Request != "" {
			return slog.LevelError, "worker died", append(attrs, slog.String(keyRequest, f.Request), slog.String(keyReason, string(f.Reason)))
		}
		return routine((f.Reason.Renewal() || f.Reason == core.ReasonOldSpare) && f.Exit == (ident.ExitStatus{}), slog.LevelInfo), "worker left",
			append(attrs, slog.String(keyReason, string(f.Reason)))
	case core.WorkerDied:
		if f.Reason == core.ReasonProbeFailed {
			return slog.LevelError, "worker has failed its probe, and serves nobody", withFailed(ofWorker(f.Worker), f.Failed)
		}
		attrs := withFailed(ofWorker(f.Worker, slog.String(keyExit, f.Exit.String()), slog.Uint64(keyServed, f.Served)), f.Failed)
		attrs = append(attrs, present(slog.String(keyRequest, f.Request))...)
		return slog.LevelError, "worker died", append(attrs, slog.String(keyReason, string(f.Reason)))
	case core.WorkerLost:
		return slog.LevelWarn, "worker was lost", ofWorker(f.Worker, slog.String(keyReason, string(f.Reason)))
	case core.WorkerKilled:
		return slog.LevelWarn, "worker is killed", ofWorker(f.Worker, slog.String(keyReason, string(f.Reason)))
	case core.WorkerBootTimedOut:
		return slog.LevelError, "worker was not ready in time and is killed",
			ofWorker(f.Worker, slog.String(keyState, f.State.String()), slog.Duration(keyTimeout, f.Timeout))
	case core.WorkerDrainTimedOut:
		return slog.LevelWarn, "worker did not drain in time and is killed", ofWorker(f.Worker, slog.Duration(keyTimeout, f.Timeout))
	case core.WorkerServesNobody:
		return slog.LevelError, "worker takes none of the connections that wait for it, and is killed",
			ofWorker(f.Worker, slog.Int(keyWaiting, f.Waiting))
	case core.SpareTakesNoSlot:
		return slog.LevelError, "spare worker does not take the slot that it was given, and is killed", ofWorker(f.Worker)
	case core.WorkerStays:
		return slog.LevelError, "worker does not leave, and is killed", ofWorker(f.Worker, slog.String(keyReason, string(f.Reason)))
	case core.WorkerUnreachable:
		return slog.LevelError, "worker has closed its channel but not ended, as with exec, and is killed", ofWorker(f.Worker)
	}
	return 0, "", nil
}

func spareLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.SpareReady:
		return slog.LevelDebug, "spare worker is ready", ofWorker(f.Worker, slog.Float64(keySeconds, seconds(f.After)))[1:]
	case core.SpareWaits:
		return slog.LevelWarn, "the next spare worker waits", []slog.Attr{slog.Int(keyDeaths, f.Deaths), waits(f.Wait)}
	}
	return 0, "", nil
}

func slotLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.SlotWaits:
		return routine(f.Unbound, slog.LevelWarn), "slot waits before its next worker",
			[]slog.Attr{slog.Int(keySlot, f.Slot), slog.Int(keyDeaths, f.Deaths), waits(f.Wait)}
	case core.SocketsRebound:
		return slog.LevelWarn, "socket files were removed or replaced; the sockets are bound anew", []slog.Attr{slog.Any(keySlots, f.Slots)}
	case core.SocketUnbound:
		return routine(f.Known, slog.LevelError), "socket could not be bound again",
			[]slog.Attr{slog.Int(keySlot, f.Slot), slog.String(keyError, f.Error)}
	case core.SocketBound:
		return slog.LevelInfo, "socket is bound again", []slog.Attr{slog.Int(keySlot, f.Slot)}
	}
	return 0, "", nil
}

func reforkLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.ReforkAsked:
		return slog.LevelDebug, "refork asked for", ofWorker(f.Worker, slog.Uint64(keyServed, f.Served))
	case core.ReforkPutOff:
		return slog.LevelDebug, "a refork is put off: the workers have grown little since their first requests",
			append(ofWorker(f.Worker), slog.Uint64(keyServed, f.Served), slog.String(keyEach, megabytes(f.Each)))
	case core.ReforkTimedOut:
		return slog.LevelDebug, "refork takes too long", ofOrigin(f.Origin, slog.Duration(keyTimeout, f.Timeout))
	case core.ReforkRefused:
		attrs := ofOrigin(f.Origin, slog.Int(keySlot, f.Slot))
		if f.Last {
			return slog.LevelInfo, "no refork in this generation any more: its workers have what others must not inherit", attrs
		}
		return routine(f.Known, slog.LevelInfo), "no refork of this worker: it has what others must not inherit; another one is tried later",
			append(attrs, waits(f.Wait))
	case core.WorkerUnfit:
		return routine(f.Known, slog.LevelInfo), "worker is passed over for a refork: " + f.Finding.Text, ofWorker(f.Worker)
	case core.ReforkFailed:
		return slog.LevelWarn, "refork failed; the preloader serves on", reforkFailedAttrs(f)
	case core.ReforkCancelled:
		return slog.LevelDebug, "no refork: the worker was to leave", ofOrigin(f.Origin, slog.String(keyReason, string(f.Reason)))
	case core.PreloaderReforked:
		return slog.LevelInfo, "preloader was forked from a warm worker",
			ofOrigin(f.Origin, slog.Int(keyPid, f.Pid), slog.Float64(keySeconds, f.Seconds))
	case core.ReforkGivenUp:
		why := string(f.Reason)
		if f.Request != "" {
			why = fmt.Sprintf("its first request was answered with status %d: %s", f.Status, f.Request)
		}
		return slog.LevelWarn, "refork is given up; the preloader before it serves on", ofOrigin(f.Origin, slog.String(keyReason, why))
	case core.ReforkCompleted:
		return slog.LevelInfo, "workers are forks of a warm worker now", ofOrigin(f.Origin)
	}
	return 0, "", nil
}

func reforkFailedAttrs(f core.ReforkFailed) []slog.Attr {
	attrs := ofOrigin(f.Origin)
	if f.Exit != nil {
		attrs = append(attrs, slog.String(keyExit, f.Exit.String()))
	}
	switch {
	case f.StartError != nil:
		attrs = append(attrs, slog.String(keyError, f.StartError.Text))
	case f.Failure != nil:
		attrs = append(attrs, slog.Any(keyError, ruby.FailureError(wire.Failure(*f.Failure))))
	}
	return append(attrs, present(slog.String(keyReason, string(f.Reason)))...)
}

func seedLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	if f, is := fact.(core.SeedingEnded); is {
		return slog.LevelDebug, "no slot waits for a warm worker any more", []slog.Attr{slog.Int(keyGeneration, f.Generation), slog.String(keyReason, string(f.Reason))}
	}
	return 0, "", nil
}

// heldAdvice is what a person can do about a release that is held back.
const heldAdvice = "see why in the application's log, and deploy again (launcher restart)"

func trialLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.ReleaseHeld:
		if f.Probes > 0 {
			return slog.LevelError, "release is held back: its workers have failed their probe; the slots keep the one before",
				append(withFailed([]slog.Attr{slog.Int(keyGeneration, f.Generation), slog.Uint64(keyProbes, f.Probes)}, f.Probe),
					slog.Int(keyOlder, f.Older), slog.Int(keyWorkers, f.Workers), slog.String(keyAdvice, heldAdvice))
		}
		return slog.LevelError, "release is held back: its first requests have all failed; the slots keep the one before",
			[]slog.Attr{slog.Int(keyGeneration, f.Generation), slog.Uint64(keyErrors, f.Errors), slog.Uint64(keyDeaths, f.Deaths),
				slog.Int(keyOlder, f.Older), slog.Int(keyWorkers, f.Workers), slog.String(keyAdvice, heldAdvice)}
	case core.ReleaseLifted:
		if f.Answered {
			return slog.LevelInfo, "release is held back no more: it has answered with another status", []slog.Attr{slog.Int(keyGeneration, f.Generation)}
		}
		return slog.LevelWarn, "release is held back no more: it has all slots", []slog.Attr{slog.Int(keyGeneration, f.Generation)}
	}
	return 0, "", nil
}

func memoryLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.MemoryBoundChanged:
		b := f.Bound
		return slog.LevelInfo, "memory at most: preloader + workers * each + launcher", []slog.Attr{slog.Int(keyGeneration, f.Generation),
			slog.String(keyPreloader, megabytes(b.Preloader)), slog.Int(keyWorkers, b.Workers), slog.String(keyEach, megabytes(b.Each)),
			slog.String(keyLauncher, megabytes(b.Launcher)), slog.String(keyTotal, megabytes(b.Total))}
	case core.BudgetTooSmall:
		return slog.LevelWarn, "the budget of a worker is too small to be kept: its first requests need more (raise --max-private)",
			[]slog.Attr{slog.Uint64(keyServed, f.Served), slog.String(keyPrivate, megabytes(f.Private)),
				slog.String(keyEach, megabytes(f.Each)), slog.String(keySensible, megabytes(f.Sensible))}
	}
	return 0, "", nil
}

func supervisorLine(fact core.Fact) (slog.Level, string, []slog.Attr) {
	switch f := fact.(type) {
	case core.RoomIsShort:
		return slog.LevelWarn, "there may be too little memory for two releases at once, and processes may be killed",
			[]slog.Attr{slog.String(keyNeed, megabytes(f.Need)), slog.String(keyAvailable, megabytes(f.Available)), slog.Bool(keySpare, f.Spare)}
	case core.Contradiction:
		return slog.LevelError, contradictionText, []slog.Attr{slog.Any(keyError, errors.New(f.Error))}
	}
	return 0, "", nil
}

// contradictionText is a mistake of the core. Tests fail on it.
const contradictionText = "the supervisor contradicted itself"

// routine is the level of what is of no interest to most.
func routine(is bool, otherwise slog.Level) slog.Level {
	if is {
		return slog.LevelDebug
	}
	return otherwise
}

// ofOrigin names a preloader in the log.
func ofOrigin(origin ident.Origin, more ...slog.Attr) []slog.Attr {
	attrs := []slog.Attr{slog.Int(keyGeneration, origin.Generation)}
	if origin.Refork > 0 {
		attrs = append(attrs, slog.Int(keyRefork, origin.Refork))
	}
	return append(attrs, more...)
}

// ofWorker names a worker in the log.
func ofWorker(name core.WorkerName, more ...slog.Attr) []slog.Attr {
	place := slog.Int(keySlot, name.Key.Slot)
	if name.Key.Slot == ident.NoSlot {
		place = slog.Bool(keySpare, true)
	}
	attrs := append([]slog.Attr{place}, ofOrigin(name.Key.Origin())...)
	if name.Pid != 0 {
		attrs = append(attrs, slog.Int(keyPid, name.Pid))
	}
	return append(attrs, more...)
}

// withFailed adds what a process said last, where it said anything.
func withFailed(attrs []slog.Attr, failed *core.Failed) []slog.Attr {
	if failed == nil {
		return attrs
	}
	return append(attrs, slog.Any(keyError, ruby.FailureError(wire.Failure(failed.Failure))))
}

// present leaves out what is an empty text.
func present(attrs ...slog.Attr) (known []slog.Attr) {
	for _, attr := range attrs {
		if attr.Value.Kind() != slog.KindString || attr.Value.String() != "" {
			known = append(known, attr)
		}
	}
	return known
}

// megabytes rounds to whole MB.
func megabytes(bytes uint64) string { return fmt.Sprintf("%d MB", (bytes+proc.MB/2)/proc.MB) }

// seconds rounds to milliseconds.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
