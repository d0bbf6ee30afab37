package report

import (
	"strings"
	"testing"

	"launcher/cmd/launcher/internal/experiment"
)

// ofTwo has runs of two processes alone, on a machine that gave memory back meanwhile.
func ofTwo() *experiment.Results {
	results := minimal()
	results.Methods, results.Processes = []experiment.Method{"direct", "smart"}, []int{2}
	results.Runs = []experiment.Run{madeRun(madeMethods()[0], 0, 2), madeRun(madeMethods()[1], 1, 2)}
	for i := range results.Runs {
		results.Runs[i].Before.FreeUsed = 64 << 30
	}
	return results
}

// TestNothingStandsWhereItDoesNotBelong: figures of ten processes in a table of two, a line through one point, memory
// that was used less than not at all.
func TestNothingStandsWhereItDoesNotBelong(t *testing.T) {
	f := newFigures(ofTwo())
	for _, row := range memorySection(f).tables[0].rows {
		if strings.HasPrefix(row[0], "2007") {
			t.Errorf("among two processes: %q", row)
		}
	}
	if notes := strings.Join(memorySection(f).notes, " "); !strings.Contains(notes, "2007: 10 Rails processes took 186 MB one by one and 47 MB forked") {
		t.Errorf("nothing is told of 2007: %q", notes)
	}
	if s := lineSection(f); len(s.tables) != 0 || !strings.Contains(s.text[0], "--processes 1,4") {
		t.Errorf("a line through one point: %+v", s)
	}
	if columns := launchSection(f).tables[0].columns; len(columns) != 3 {
		t.Errorf("one more than one: %+v", columns)
	}
	for _, table := range []table{instrumentSection(f).tables[0], everyNumberSection(f).tables[0]} {
		for _, row := range table.rows {
			for _, cell := range row {
				if strings.HasPrefix(cell, "-") {
					t.Errorf("below zero: %q", row)
				}
			}
		}
	}
	if of := memorySection(newFigures(full())).tables[0].rows; of[len(of)-1][0] != articleForked {
		t.Errorf("among ten processes: %q", of)
	}
}

// TestLineOfSomeMethods: those that have none are named, and two points have no errors.
func TestLineOfSomeMethods(t *testing.T) {
	results := ofTwo()
	results.Processes = []int{2, 4}
	results.Runs = append(results.Runs, madeRun(madeMethods()[0], 0, 4))
	s := lineSection(newFigures(results))
	if rows := s.tables[0].rows; len(rows) != 2 || rows[0][0] != "direct" || len(s.tables[0].columns) != 4 || rows[0][3] != "2" {
		t.Errorf("%+v", s.tables)
	}
	if notes := strings.Join(s.notes, " "); !strings.Contains(notes, "No line, for want of a second number of processes: smart.") {
		t.Errorf("%q", notes)
	}
}

// The tables are of the largest number that all methods have.
func TestNumberOfTheTables(t *testing.T) {
	results := full()
	if f := newFigures(results); f.n != 10 || !f.shared {
		t.Errorf("n is %d, shared %t", f.n, f.shared)
	}
	for i := range results.Runs {
		if run := &results.Runs[i]; run.Method == "direct" && run.Processes == 10 {
			run.Error = "out of memory"
		}
	}
	if f := newFigures(results); f.n != 6 || !f.shared { // puma has no 8
		t.Errorf("n is %d, shared %t", f.n, f.shared)
	}
	results.Runs = []experiment.Run{madeRun(madeMethods()[0], 0, 2), madeRun(madeMethods()[1], 1, 4)}
	if f := newFigures(results); f.n != 4 || f.shared {
		t.Errorf("n is %d, shared %t", f.n, f.shared)
	}
	if f := newFigures(full()); f.bestPeer(10).Method != "puma" || f.bestPeer(8).Method != "passenger" {
		t.Error("the best peer is another one")
	}
}

func TestAPeerWithErrorsIsNotTheBest(t *testing.T) {
	results := full()
	for i := range results.Runs {
		if run := &results.Runs[i]; run.Method == "unicorn" && run.Processes == 10 {
			run.Traffic.Throughput = 9000
		}
	}
	if best := newFigures(results).bestPeer(10); best.Method != "puma" {
		t.Errorf("the best peer is %s", best.Method)
	}
}
