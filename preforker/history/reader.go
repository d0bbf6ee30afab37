package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// History is what one launcher has written.
type History struct {
	Header
	Steps []Step
}

// Read reads the histories of a file: one launcher may have written after another. A last line that is not whole, of
// a launcher that was killed or could not write any more, is left out.
func Read(from io.Reader) ([]*History, error) {
	var found []*History
	var broken error // of the line before
	lines := bufio.NewReader(from)
	for number := 1; ; number++ {
		text, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && broken == nil && len(found) == 0:
			return nil, errors.New("read history: it has no history")
		case errors.Is(err, io.EOF):
			return found, broken
		case err != nil:
			return nil, fmt.Errorf("read history: %w", err)
		case len(bytes.TrimSpace(text)) == 0:
			continue
		case broken != nil && !isHeader(text):
			return nil, broken
		}
		broken = nil
		if found, err = add(found, text); err != nil {
			broken = fmt.Errorf("read line %d of history: %w", number, err)
		}
	}
}

// Begins says whether a file that begins with this text may be of histories. The first line of one may be cut off.
func Begins(text []byte) bool {
	const first = `{"history":`
	text = bytes.TrimLeft(text, "\n")
	return strings.HasPrefix(first, string(text[:min(len(text), len(first))]))
}

func isHeader(text []byte) bool {
	var head Header
	return json.Unmarshal(text, &head) == nil && head.Version != 0
}

func add(found []*History, text []byte) ([]*History, error) {
	var head Header
	if err := json.Unmarshal(text, &head); err != nil {
		return found, err
	}
	switch {
	case head.Version == Version && head.Slots > 0 && head.Slots <= ident.MaxWorkers:
		return append(found, &History{Header: head}), nil
	case head.Version != 0:
		return found, fmt.Errorf("it is of version %d, for %d slots", head.Version, head.Slots)
	case len(found) == 0:
		return found, errors.New("it is no history")
	}
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return found, err
	}
	e, err := decodeEvent(l.Event)
	if err != nil {
		return found, err
	}
	step := Step{At: l.At, Event: e, Random: l.Random}
	for _, a := range l.Actions {
		step.Actions = append(step.Actions, string(a))
	}
	h := found[len(found)-1]
	h.Steps = append(h.Steps, step)
	return found, nil
}

// Replay takes the events through a core anew, and calls for each step with what the core makes of it now.
func (h *History) Replay(each func(step Step, actions []core.Action)) {
	var random []float64
	c := core.New(h.Slots, h.Policy, func() float64 {
		if len(random) == 0 {
			return 0 // another core has drawn less
		}
		number := random[0]
		random = random[1:]
		return number
	})
	for _, step := range h.Steps {
		random = step.Random
		each(step, c.Step(step.At, step.Event))
	}
}
