package preforker

import (
	"testing"

	"launcher/preforker/ruby"
)

// TestHeldOutputsAreBounded: what workers have started may outlive them, and hold a descriptor each.
func TestHeldOutputsAreBounded(t *testing.T) {
	var o outputs
	var all []*ruby.Captured
	for range outputsHeld + 2 {
		c, err := ruby.Capture("test")
		if err != nil {
			t.Fatal(err)
		}
		o.add(c)
		o.hold(c)
		all = append(all, c)
	}
	for i, c := range all {
		_, err := c.Writer().WriteString("x")
		if closed := err != nil; closed != (i < 2) {
			t.Errorf("pipe %d: %v", i, err)
		}
	}
	o.discard()
	for _, c := range all {
		if _, err := c.Writer().WriteString("x"); err == nil {
			t.Errorf("a pipe is not closed at the end")
		}
		c.Given()
	}
}
