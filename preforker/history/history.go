package history

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"launcher/preforker/core"
)

// Version is of the format.
const Version = 1

// Header is the first line of a history.
type Header struct {
	Version  int         `json:"history"`
	Launcher string      `json:"launcher"` // version of the program
	Began    time.Time   `json:"began"`    // when the clock of the steps was 0
	Slots    int         `json:"slots"`
	Policy   core.Policy `json:"policy"`
}

// Step is an event and what followed from it.
type Step struct {
	At      time.Duration
	Event   core.Event
	Random  []float64 // drawn meanwhile
	Actions []string  // each as JSON
}

// line is a step in the file. An event, and an action, is an object with one key: the name of its type.
type line struct {
	At      time.Duration     `json:"at"` // nanoseconds
	Event   json.RawMessage   `json:"event"`
	Random  []float64         `json:"random,omitempty"`
	Actions []json.RawMessage `json:"actions"`
}

// Encode writes an event or an action as JSON.
func Encode(value any) (json.RawMessage, error) {
	name := reflect.TypeOf(value).Name()
	encoded, err := json.Marshal(map[string]any{name: value})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", name, err)
	}
	return encoded, nil
}

// events are all that a history can have.
var events = func() map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for _, e := range []core.Event{core.Started{}, core.PreloaderHello{}, core.PreloaderLoaded{}, core.PreloaderPrepared{}, core.PreloaderChannelClosed{},
		core.PreloaderStopped{}, core.PreloaderExited{}, core.PreloaderMeasured{}, core.WorkerSpawned{}, core.WorkerSpawnFailed{},
		core.WorkerHello{}, core.WorkerLoaded{}, core.WorkerReady{}, core.WorkerAnsweredFirst{}, core.WorkerReforked{},
		core.WorkerNotReforked{}, core.WorkerLeaving{}, core.WorkerChannelClosed{}, core.WorkerStuck{}, core.WorkerStopped{},
		core.WorkerExited{}, core.WorkersMeasured{}, core.RequestOverdue{}, core.WorkerLocated{}, core.WorkerRecycles{}, core.SocketsLost{}, core.SlotNotBound{}, core.TimerFired{}, core.StopAsked{},
		core.FrontStopAsked{}, core.FrontStopped{}, core.RestartAsked{}, core.MemoryAvailable{}, core.ScaleAsked{}, core.ConnectionWaits{}, core.SuccessorComes{},
		core.KillAsked{}, core.BacktraceAsked{}, core.ReforkNowAsked{}} {
		types[reflect.TypeOf(e).Name()] = reflect.TypeOf(e)
	}
	return types
}()

func decodeEvent(encoded json.RawMessage) (core.Event, error) {
	var named map[string]json.RawMessage
	if err := json.Unmarshal(encoded, &named); err != nil {
		return nil, fmt.Errorf("decode event: %w", err)
	}
	for name, fields := range named {
		kind, known := events[name]
		if !known {
			return nil, fmt.Errorf("decode event: unknown %s", name)
		}
		value := reflect.New(kind)
		if err := json.Unmarshal(fields, value.Interface()); err != nil {
			return nil, fmt.Errorf("decode %s: %w", name, err)
		}
		return value.Elem().Interface().(core.Event), nil
	}
	return nil, fmt.Errorf("decode event: it has no name")
}
