//go:build linux

package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"launcher/preforker/printable"
)

// display shows how far something is that a running launcher does: lines, and on a terminal what is going on below them.
type display struct {
	out     io.Writer
	redraws bool
	drawn   bool
	began   time.Time
}

func newDisplay(out *os.File) display {
	return display{out: out, redraws: canErase(out), began: time.Now()}
}

// line prints a line that stays.
func (d *display) line(text string) {
	d.erase()
	fmt.Fprintln(d.out, printable.Escape(text))
}

// draw shows what the next line replaces.
func (d *display) draw(text string) {
	if d.redraws {
		fmt.Fprint(d.out, text+" …")
		d.drawn = true
	}
}

func (d *display) erase() {
	if d.drawn {
		fmt.Fprint(d.out, "\r\x1b[K")
		d.drawn = false
	}
}
