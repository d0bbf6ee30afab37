//go:build linux

package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/migration"
	"launcher/preforker/examine"
	"launcher/preforker/printable"
	"launcher/preforker/ruby"
)

// diagnosis is what the doctor prints, and its JSON.
type diagnosis struct {
	Root        string            `json:"root"`
	Environment string            `json:"environment"`
	Ruby        string            `json:"ruby"`
	Rails       string            `json:"rails"`
	Rack        string            `json:"rack"`
	Seconds     float64           `json:"seconds"` // that loading took
	Found       bool              `json:"found"`   // more than notes
	Findings    []examine.Finding `json:"findings"`
	Measured    examine.Measured  `json:"measured"`
	Migration   []*migration.Plan `json:"migration"` // from the files of other servers
}

func newDiagnosis(ctx *cli.Context, app ruby.App, e *examine.Result) diagnosis {
	d := diagnosis{Root: app.Root, Ruby: e.Ruby, Rails: e.Rails, Rack: e.Rack, Seconds: e.Seconds, Findings: e.Findings, Measured: e.Measured,
		Environment: readEnvironment(ctx).rails}
	rank := []examine.Severity{examine.SeverityHarm, examine.SeverityCost, examine.SeverityNote}
	slices.SortStableFunc(d.Findings, func(a, b examine.Finding) int {
		return slices.Index(rank, a.Severity) - slices.Index(rank, b.Severity)
	})
	d.Found = slices.ContainsFunc(d.Findings, func(f examine.Finding) bool { return f.Severity != examine.SeverityNote })
	return d
}

func (d diagnosis) printJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(d)
}

// print writes text, with what breaks first.
func (d diagnosis) print(w io.Writer) error {
	p := &printer{w: w}
	versions := "Ruby " + d.Ruby
	if d.Rails != "" {
		versions += ", Rails " + d.Rails
	}
	p.line("%s (%s) loaded in %.1f s with %s\n", d.Root, d.Environment, d.Seconds, versions)
	titles := map[examine.Severity]string{examine.SeverityHarm: "breaks", examine.SeverityCost: "costs", examine.SeverityNote: "note"}
	for _, f := range d.Findings {
		p.line("%-6s  %s: %s", titles[f.Severity], f.Kind, f.Text)
		p.part("where", f.Where)
		for _, frame := range f.Frames {
			p.part("", frame)
		}
		p.part("why", f.Cost)
		p.part("do", f.Advice)
		p.line("")
	}
	m := d.Measured
	p.line("memory  the process that forks has %s MB; a fork has %s MB of its own before it does anything", inMB(m.PSS), inMB(m.ForkPrivate))
	p.line("        Ruby's heap: %s, %s\n", counted(int(m.LiveSlots), "object", "objects"), counted(int(m.FreeSlots), "free slot", "free slots"))
	d.printMigration(p)
	if d.Found {
		p.line("launcher doctor found something to do: see above.")
	} else {
		p.line("Nothing stands in the way of forking this application.")
	}
	return p.err
}

// printMigration prints what stands for the files of other servers.
func (d diagnosis) printMigration(p *printer) {
	for _, plan := range d.Migration {
		p.line("%s", plan.Text())
	}
}

// printer writes lines and remembers its first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, printable.Escape(fmt.Sprintf(format+"\n", args...)))
	}
}

// part is a line below a finding, where there is something to say.
func (p *printer) part(title, text string) {
	if text != "" {
		p.line("        %-6s %s", title, text)
	}
}
