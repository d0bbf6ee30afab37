package preforker

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseLevers(t *testing.T) {
	if got, err := ParseLevers([]string{"views", " compact"}); err != nil || !slices.Equal(got, []Lever{LeverViews, LeverCompact}) {
		t.Errorf("%v, %v", got, err)
	}
	_, err := ParseLevers([]string{"views", "vews"})
	if err == nil || !strings.Contains(err.Error(), `"vews" is none of huge-pages, heap-size, `) {
		t.Errorf("error %v", err)
	}
}

// TestLeversOfTheRubySide fails for a lever that no Ruby file asks for, unless it is this side's.
func TestLeversOfTheRubySide(t *testing.T) {
	here := []Lever{LeverHugePages, LeverHeapSize, LeverArena}
	var sources strings.Builder
	for _, name := range []string{"heap.rb", "preload.rb", "preparation.rb", "worker.rb"} {
		text, err := os.ReadFile(filepath.Join("..", "scripts", name))
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(text)
	}
	manual, err := os.ReadFile(filepath.Join("..", "scripts", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, lever := range Levers() {
		if !slices.Contains(here, lever) && !strings.Contains(sources.String(), `"`+string(lever)+`"`) {
			t.Errorf("%s switches nothing off", lever)
		}
		if !strings.Contains(string(manual), "| `"+string(lever)+"` |") {
			t.Errorf("%s has no line in scripts/README.md", lever)
		}
	}
}
