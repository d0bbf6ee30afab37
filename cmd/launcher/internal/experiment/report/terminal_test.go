package report

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"

	"launcher/cmd/launcher/internal/experiment"
)

func printed(t *testing.T, results *experiment.Results, width int) string {
	t.Helper()
	// In some languages a "±" is two columns wide.
	text.OverrideRuneWidthEastAsianWidth(false)
	var out bytes.Buffer
	if err := Print(&out, results, width); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestPrintTellsAWriterThatFails(t *testing.T) {
	if err := Print(brokenWriter{}, minimal(), 80); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the error is %v", err)
	}
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	for _, width := range []int{20, 40, 80, 120, 200} {
		for _, line := range strings.Split(printed(t, full(), width), "\n") {
			if text.StringWidthWithoutEscSequences(line) > width {
				t.Errorf("%d columns: %q", width, line)
			}
		}
	}
}
