package control

import (
	"context"
	"strings"
	"testing"
	"time"

	"launcher/preforker/sockets"
)

// TestScaleOfAnotherProgram: what it tells is not taken for a launcher's.
func TestScaleOfAnotherProgram(t *testing.T) {
	dir := t.TempDir()
	c, err := Listen(dir, sockets.Staleness{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(end)
	go c.Serve(ctx.Done(), ScaleVerb(func(_ context.Context, request ScaleRequest) (any, error) {
		return ScaleResult{Slots: request.Slots, Places: make([]string, 2)}, nil
	}))
	t.Cleanup(c.Close)
	if result, err := Scale(ctx, dir, ScaleRequest{Slots: 2}); err != nil || result.Slots != 2 {
		t.Errorf("%+v, %v", result, err)
	}
	if result, err := Scale(ctx, dir, ScaleRequest{Slots: 3}); err == nil || !strings.Contains(err.Error(), "2 places of 3 slots") {
		t.Errorf("%+v, %v", result, err)
	}
}
