package history

import (
	"bytes"
	"strings"
	"testing"

	"launcher/preforker/core"
)

func write(t *testing.T, out *bytes.Buffer, version string) {
	t.Helper()
	w, err := NewWriter(out, Header{Launcher: version, Slots: 2})
	if err != nil {
		t.Fatal(err)
	}
	c := core.New(2, core.Policy{}, w.Random(func() float64 { return 0.25 }))
	if err := w.Step(0, core.Started{}, c.Step(0, core.Started{})); err != nil {
		t.Fatal(err)
	}
}

// TestReadSeveral: one launcher after another has written to a file, and the last was killed in the middle of a line.
func TestReadSeveral(t *testing.T) {
	var file bytes.Buffer
	write(t, &file, "one")
	write(t, &file, "two")
	file.WriteString(`{"at":1,"event":{"Resta`)
	found, err := Read(&file)
	if err != nil || len(found) != 2 || found[1].Launcher != "two" || len(found[1].Steps) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	step := found[1].Steps[0]
	if _, is := step.Event.(core.Started); !is || len(step.Actions) == 0 || !strings.HasPrefix(step.Actions[0], `{"LoadBegan":`) {
		t.Errorf("%+v", step)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"it is no history":         "{\"at\":1}\n",
		"it has no history":        "\n\n",
		"for 1025 slots":           "{\"history\":1,\"slots\":1025}\n",
		"it is of version 7":       "{\"history\":7,\"slots\":1}\n",
		"decode event: unknown":    "{\"history\":1,\"slots\":1}\n{\"at\":1,\"event\":{\"Earthquake\":{}}}\n",
		"read line 2 of history":   "{\"history\":1,\"slots\":1}\nnonsense\n",
		"decode event: it has no":  "{\"history\":1,\"slots\":1}\n{\"at\":1,\"event\":{}}\n",
		"decode WorkerReady: json": "{\"history\":1,\"slots\":1}\n{\"at\":1,\"event\":{\"WorkerReady\":{\"Pid\":\"x\"}}}\n",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v, want %q", text, err, name)
		}
	}
}
