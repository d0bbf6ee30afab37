package history

import (
	"encoding/json"
	"io"
	"time"

	"launcher/preforker/core"
)

// Writer writes a history, a line at a time.
type Writer struct {
	out   io.Writer
	drawn []float64
}

// NewWriter writes the first line.
func NewWriter(out io.Writer, h Header) (*Writer, error) {
	h.Version = Version
	w := &Writer{out: out}
	return w, w.write(h)
}

// Random has what a core draws written down.
func (w *Writer) Random(draw func() float64) func() float64 {
	return func() float64 {
		number := draw()
		w.drawn = append(w.drawn, number)
		return number
	}
}

// Step writes an event and what followed from it.
func (w *Writer) Step(at time.Duration, e core.Event, actions []core.Action) error {
	l := line{At: at, Random: w.drawn, Actions: []json.RawMessage{}}
	w.drawn = nil
	var err error
	if l.Event, err = Encode(e); err != nil {
		return err
	}
	for _, a := range actions {
		encoded, err := Encode(a)
		if err != nil {
			return err
		}
		l.Actions = append(l.Actions, encoded)
	}
	return w.write(l)
}

// write writes one line with one call, so that a launcher that is killed leaves whole ones.
func (w *Writer) write(value any) error {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = w.out.Write(append(encoded, '\n'))
	return err
}
