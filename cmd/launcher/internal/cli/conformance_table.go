//go:build linux

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/fcgi/conformance"
)

// conformanceTable has columns as wide as its cases need, so that a row can be printed as soon as it is there.
type conformanceTable struct{ id, title, source int }

const outcomeColumns, levelColumns = len("skipped"), len("should")

func newConformanceTable(cases []conformance.Case) conformanceTable {
	table := conformanceTable{len("CASE"), len("WHAT IS SENT"), len("SOURCE")}
	for _, c := range cases {
		table.id, table.title, table.source = max(table.id, len(c.ID)), max(table.title, len(c.Title)), max(table.source, len(c.Source))
	}
	return table
}

func (t conformanceTable) line(outcome, id, level, title, source, got string) string {
	return strings.TrimRight(fmt.Sprintf("%-*s  %-*s  %-*s  %-*s  %-*s  %s", outcomeColumns, outcome, t.id, id, levelColumns, level, t.title, title, t.source, source, got), " ")
}

func (t conformanceTable) header() string {
	return t.line("RESULT", "CASE", "LEVEL", "WHAT IS SENT", "SOURCE", "WHAT CAME BACK")
}

func (t conformanceTable) row(r conformance.Result) string {
	got := visible(r.Got)
	if r.Outcome == conformance.Failed {
		got += " (expected: " + r.Case.Expect + ")"
	}
	return t.line(string(r.Outcome), r.Case.ID, string(r.Case.Level), r.Case.Title, r.Case.Source, got)
}

// printer returns a function that prints a row, the first one below the names of the columns.
func (t conformanceTable) printer(stdout *os.File) func(conformance.Result) {
	header := t.header() + "\n"
	return func(r conformance.Result) {
		_, _ = io.WriteString(stdout, header+t.row(r)+"\n") // what cannot be printed fails with the summary
		header = ""
	}
}

// listCases prints what would be asked.
func listCases(ctx *cli.Context, stdout *os.File, cases []conformance.Case) error {
	if ctx.NArg() > 0 {
		return usageErrorf("launcher conformance --list", "read command line: --%s asks nobody, %q is too much", optList, ctx.Args().First())
	}
	if ctx.Bool(optJSON) {
		listed := []caseJSON{}
		for _, c := range cases {
			listed = append(listed, newCaseJSON(c))
		}
		return printIndented(stdout, map[string]any{"cases": listed})
	}
	table := newConformanceTable(cases)
	lines := []string{table.line("NEEDS", "CASE", "LEVEL", "WHAT IS SENT", "SOURCE", "WHAT IS EXPECTED")}
	for _, c := range cases {
		lines = append(lines, table.line(string(c.Needs), c.ID, string(c.Level), c.Title, c.Source, c.Expect))
	}
	if _, err := io.WriteString(stdout, strings.Join(lines, "\n")+"\n"); err != nil {
		return fmt.Errorf("print cases: %w", err)
	}
	return nil
}

// caseJSON is a case, and where it has been run what came of it.
type caseJSON struct {
	ID      string  `json:"id"`
	Title   string  `json:"title"`
	Source  string  `json:"source"`
	Level   string  `json:"level"`
	Expect  string  `json:"expected"`
	Needs   string  `json:"needs,omitempty"`
	Result  string  `json:"result,omitempty"`
	Got     string  `json:"got,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
}

func newCaseJSON(c conformance.Case) caseJSON {
	return caseJSON{ID: c.ID, Title: c.Title, Source: c.Source, Level: string(c.Level), Expect: c.Expect, Needs: string(c.Needs)}
}

// printConformance prints what came of the cases that were asked, and how many were not.
func printConformance(ctx *cli.Context, stdout *os.File, results []conformance.Result, missing int) error {
	var count conformance.Count
	listed := []caseJSON{}
	for _, r := range results {
		count.Add(r.Outcome)
		one := newCaseJSON(r.Case)
		one.Result, one.Got, one.Seconds = string(r.Outcome), r.Got, r.Seconds
		listed = append(listed, one)
	}
	var err error
	if ctx.Bool(optJSON) {
		err = printIndented(stdout, map[string]any{"address": ctx.Args().First(), "passed": count.Passed, "failed": count.Failed, "skipped": count.Skipped,
			"not_asked": missing, "cases": listed})
	} else {
		summary := fmt.Sprintf("%d passed, %d failed, %d skipped", count.Passed, count.Failed, count.Skipped)
		if missing > 0 {
			summary += fmt.Sprintf(", %d not asked", missing)
		}
		_, err = fmt.Fprintf(stdout, "\n%s\n", summary)
	}
	if err == nil && count.Failed > 0 {
		err = errNotConforming
	}
	return err
}

func printIndented(stdout *os.File, value any) error {
	encoder := json.NewEncoder(escaper{stdout})
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("print results: %w", err)
	}
	return nil
}
