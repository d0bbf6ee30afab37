package core

import "time"

const (
	// traceBurst is how many lines of backtraces there may be at once, and traceRate how many a second in the long run: all workers may hit a
	// limit at the same time, where a database does not respond.
	traceBurst = 1000
	traceRate  = 20
	// traceLeast is what is told in any case of the thread that serves.
	traceLeast = 10
)

// traces bounds what backtraces add to the log.
type traces struct {
	used float64       // lines, of the burst
	at   time.Duration // when that was so
}

// cut leaves out frames of a thread for which there is no room, and says whether it has all. The one that serves has some in any case.
func (t *traces) cut(now time.Duration, thread Thread, serves bool) (Thread, bool) {
	t.used = max(0, t.used-(now-t.at).Seconds()*traceRate)
	t.at = now
	room := max(0, traceBurst-int(t.used)-1)
	if serves {
		room = max(room, traceLeast)
	}
	all := len(thread.Frames) <= room
	if !all {
		thread.LeftOut += len(thread.Frames) - room
		thread.Frames = thread.Frames[:room]
	}
	t.used += float64(len(thread.Frames) + 1)
	return thread, all
}
