package ruby

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseOptimization(t *testing.T) {
	if got, err := ParseOptimization(" compact"); err != nil || got != OptimizationCompact {
		t.Errorf("%v, %v", got, err)
	}
	_, err := ParseOptimization("vews")
	if err == nil || !strings.Contains(err.Error(), `"vews" is none of huge-pages, heap-size, `) {
		t.Errorf("error %v", err)
	}
}

// TestOptimizationsOfTheRubySide fails for an optimization that no Ruby file asks for, unless it is
// this side's.
func TestOptimizationsOfTheRubySide(t *testing.T) {
	here := []Optimization{OptimizationHugePages, OptimizationHeapSize, OptimizationArena}
	var sources strings.Builder
	for _, name := range []string{"memory_sharing.rb", "memory/heap.rb", "memory/rails_warmup.rb", "worker.rb"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "scripts", name))
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(text)
	}
	manual, err := os.ReadFile(filepath.Join("..", "..", "scripts", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, optimization := range Optimizations() {
		if !slices.Contains(here, optimization) && !strings.Contains(sources.String(), `"`+string(optimization)+`"`) {
			t.Errorf("%s switches nothing off", optimization)
		}
		if !strings.Contains(string(manual), "| `"+string(optimization)+"` |") {
			t.Errorf("%s has no line in scripts/README.md", optimization)
		}
	}
}
