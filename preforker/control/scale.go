package control

import (
	"context"
	"fmt"
)

// scalePath is where another number of workers is asked for.
const scalePath = "/scale"

// ScaleRequest asks for so many slots, or for so many more or fewer than there are.
type ScaleRequest struct {
	Slots  int `json:"slots,omitempty"`
	Change int `json:"change,omitempty"`
}

// ScaleResult is what slots there are once their number was changed. Their workers may be on their way.
type ScaleResult struct {
	From    int      `json:"from"`    // how many there were
	Slots   int      `json:"slots"`   // how many there are
	Places  []string `json:"places"`  // of their sockets: paths, or addresses with ports
	Closed  []int    `json:"closed"`  // those whose socket could not be bound yet
	Snippet string   `json:"snippet"` // the file with the web server's configuration for them
	Front   bool     `json:"front"`   // the launcher is its own web server, and knows already
}

// ScaleVerb is POST /scale.
func ScaleVerb(scale func(context.Context, ScaleRequest) (any, error)) Verb {
	return Post(scalePath, scale)
}

// Scale changes the number of workers of the launcher whose sockets are in a folder.
func Scale(ctx context.Context, dir string, request ScaleRequest) (ScaleResult, error) {
	var result ScaleResult
	if err := post(ctx, dir, scalePath, request, &result); err != nil {
		return ScaleResult{}, err
	}
	if result.Slots < 1 || len(result.Places) != result.Slots {
		return ScaleResult{}, fmt.Errorf("ask the launcher at %s: it tells %d places of %d slots", socketOf(dir), len(result.Places), result.Slots)
	}
	return result, nil
}
