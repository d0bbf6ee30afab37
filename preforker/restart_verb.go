package preforker

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/hint"
	"launcher/preforker/proc"
)

// askedByCommand is who asks for a restart at the control socket.
const askedByCommand = "launcher restart"

// followedRestart is what whoever waits for a restart has been told of.
type followedRestart struct {
	tell       func(any)
	slots      int
	number     int // of the restart; 0: not known yet
	generation int // that it loads, or has loaded
	serving    map[int]bool
	load       *core.LoadFailure // why the generation has not loaded
	held       *core.ReleaseHeld
	died       *core.WorkerDied // the last one
}

// restart is carried out for a client of the control socket.
func (s *Supervisor) restart(ctx context.Context, request control.RestartRequest, tell func(any)) (any, error) {
	note := ""
	if s.config.RestartNote != nil {
		note = s.config.RestartNote() // before there are facts that nobody takes
	}
	facts, end, err := s.follow(ctx, core.RestartAsked{By: askedByCommand})
	if err != nil {
		return nil, err
	}
	defer end()
	r := &followedRestart{tell: tell, serving: map[int]bool{}}
	if note != "" {
		r.says(control.RestartProgress{Step: control.RestartTrouble, Text: note})
	}
	for {
		select {
		case fact, more := <-facts:
			if !more {
				return nil, errBehind
			}
			result, err, ended := r.takes(fact)
			if ended || r.number > 0 && request.NoWait {
				return result, err
			}
		case <-s.done:
			return nil, control.ErrEnding
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// takes returns true with the fact that is the end.
func (r *followedRestart) takes(fact core.Fact) (result any, err error, ended bool) {
	switch f := fact.(type) {
	case core.RestartBegan:
		r.number, r.generation, r.slots = f.Number, f.Generation, f.Slots
	case core.RestartNoted:
		r.number, r.slots = f.Number, f.Slots
		r.says(control.RestartProgress{Step: control.RestartWaits})
	case core.RestartIgnored:
		return nil, control.ErrEnding, true
	case core.LoadBegan:
		r.generation, r.serving = f.Generation, map[int]bool{}
		r.says(control.RestartProgress{Step: control.RestartLoads})
	case core.LoadFailed:
		r.load = &f.Failure
	case core.ReleaseHeld:
		r.held = &f
	case core.RestartEnded:
		if f.Number == r.number {
			result, err = r.ends(f)
			return result, err, true
		}
	default:
		r.follows(fact)
	}
	return control.RestartResult{Generation: r.generation}, nil, false
}

// follows tells what happens to the generation on its way.
func (r *followedRestart) follows(fact core.Fact) {
	switch f := fact.(type) {
	case core.GenerationLoaded:
		if f.Origin.Generation == r.generation {
			r.says(control.RestartProgress{Step: control.RestartLoaded, Seconds: f.Load.Seconds})
		}
	case core.WorkerServes:
		if slot := f.Worker.Key.Slot; f.Worker.Key.Generation == r.generation && !r.serving[slot] {
			r.serving[slot] = true
			r.says(control.RestartProgress{Step: control.RestartServes, Slot: &slot, Pid: f.Worker.Pid, Seconds: seconds(f.After)})
		}
	case core.WorkerDied:
		if delete(r.serving, f.Worker.Key.Slot); f.Worker.Key.Generation == r.generation {
			r.died = &f
		}
		r.trouble(fact, f.Worker.Key.Generation)
	case core.WorkerNotStarted:
		r.trouble(fact, f.Worker.Key.Generation)
	case core.WorkerBootTimedOut:
		r.trouble(fact, f.Worker.Key.Generation)
	case core.PreloaderDied:
		r.trouble(fact, f.Origin.Generation)
	case core.SlotWaits, core.SlotFailed, core.GenerationFailed:
		r.trouble(fact, r.generation)
	case core.LoadWaits:
		r.trouble(fact, r.generation)
	case core.RoomIsShort:
		r.trouble(fact, r.generation)
	}
}

func (r *followedRestart) says(p control.RestartProgress) {
	p.Time, p.Generation, p.Serving, p.Slots = time.Now(), r.generation, len(r.serving), r.slots
	r.tell(p)
}

// trouble tells what the log has of a fact about the generation.
func (r *followedRestart) trouble(fact core.Fact, generation int) {
	if generation != r.generation || r.generation == 0 {
		return
	}
	_, text, attrs := lineOf(fact)
	r.says(control.RestartProgress{Step: control.RestartTrouble, Text: sentence(text, attrs)})
}

// sentence is a line of the log for a person.
func sentence(text string, attrs []slog.Attr) string {
	var words []string
	for _, attr := range attrs {
		word := attr.Value.String()
		if !strings.HasPrefix(word, attr.Key+" ") {
			word = attr.Key + " " + word
		}
		words = append(words, word)
	}
	return text + " (" + strings.Join(words, ", ") + ")"
}

// ends returns what a restart comes to.
func (r *followedRestart) ends(f core.RestartEnded) (control.RestartResult, error) {
	result := control.RestartResult{Generation: f.Generation, End: string(f.End), Slots: f.Slots, Workers: len(r.serving)}
	if f.End != core.RestartServed {
		result.Slots = len(r.serving)
	}
	return result, r.failure(f)
}

func (r *followedRestart) failure(f core.RestartEnded) error {
	const again = "mend it, and restart again"
	switch f.End {
	case core.RestartServed:
		return nil
	case core.RestartNotLoaded:
		if r.load == nil {
			break
		}
		err := loadErrorOf(*r.load)
		try := again
		if cause := hint.Of(err); cause != "" {
			try = cause + "; then restart again"
		}
		return hint.Errorf(try, "restart: generation %d has not loaded, and the workers that are there serve on: %w", f.Generation, err)
	case core.RestartHeld:
		if r.held == nil {
			break
		}
		_, text, attrs := lineOf(*r.held)
		attrs = slices.DeleteFunc(attrs, func(a slog.Attr) bool {
			return slices.Contains([]string{keyGeneration, keyOlder, keyWorkers, keyAdvice}, a.Key)
		})
		return hint.Errorf(heldAdvice, "restart: generation %d is given up: %s", f.Generation, sentence(text, attrs))
	case core.RestartNotUp:
		if r.died == nil {
			break
		}
		_, text, attrs := lineOf(*r.died)
		return hint.Errorf(again, "restart: %d workers of generation %d have died as they came up; those that are there serve on, and further ones are tried later and later; the last one: %s",
			f.Deaths, f.Generation, sentence(text, attrs))
	case core.RestartReplaced:
		return hint.Errorf("see how that one ends: launcher status", "restart: replaced by a later one")
	case core.RestartStopped:
		return control.ErrEnding
	}
	return fmt.Errorf("restart: generation %d is %s", f.Generation, f.End)
}

// prepareRestart does what comes before a restart, whoever asks for it.
func (s *Supervisor) prepareRestart() {
	if s.config.Restarting != nil {
		s.tasks.Go(s.config.Restarting)
	}
	s.handle(s.memoryAvailable()) // which leads to nothing by itself
}

// memoryAvailable is how much memory there is for a restart.
func (s *Supervisor) memoryAvailable() core.MemoryAvailable {
	available, err := proc.Available()
	if err != nil {
		s.log.Debug("the memory that is available is not known", keyError, err)
	}
	return core.MemoryAvailable{Bytes: available}
}
