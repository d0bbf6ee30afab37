package control

import (
	"context"
	"encoding/json"
	"net/http"
)

// eventsPath is where the last events are asked for.
const eventsPath = "/events"

// Events are the last lines of the log that tell what the launcher has seen and decided, the oldest first. Each is an object
// with time, level and msg, and the keys that the log has.
type Events struct {
	Events  []json.RawMessage `json:"events"`
	Dropped uint64            `json:"dropped"` // older ones, which are not kept any more
}

// EventsRequest follows events.
type EventsRequest struct {
	Last int `json:"last"` // so many of those that were are told first
}

// EventsVerb is GET /events.
func EventsVerb(events func(context.Context) (Events, error)) Verb { return Get(eventsPath, events) }

// FollowEventsVerb is POST /events: each event is a line of its own, until the client leaves or the launcher ends.
func FollowEventsVerb(events func(context.Context, EventsRequest, func(any)) (any, error)) Verb {
	verb := Follow(eventsPath, events)
	verb.begins = true
	return verb
}

// AskEvents asks the launcher whose sockets are in a folder for its last events.
func AskEvents(ctx context.Context, dir string) (events Events, err error) {
	text, err := askOnce(ctx, dir, http.MethodGet, eventsPath, nil)
	if err != nil {
		return events, err
	}
	if err := json.Unmarshal(text, &events); err != nil {
		return events, noLauncher(dir, err)
	}
	return events, nil
}

// FollowEvents tells each event as it comes, until the context or the launcher ends.
func FollowEvents(ctx context.Context, dir string, request EventsRequest, tell func(json.RawMessage)) error {
	return follow(ctx, dir, eventsPath, request, tell, nil)
}
