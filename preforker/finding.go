package preforker

import (
	"log/slog"

	"launcher/preforker/internal/wire"
)

// What the Ruby side says about an application that has loaded (scripts/checks): what stands in the
// way of forking it, and its memory.
type (
	Finding  = wire.Finding
	Severity = wire.Severity
	Measured = wire.Measured
)

// What a finding can be: something that breaks, something that is lost, or good to know.
const (
	SeverityHarm = wire.SeverityHarm
	SeverityCost = wire.SeverityCost
	SeverityNote = wire.SeverityNote
)

// warn logs a finding in one line. What it costs is for the doctor to tell.
func (c *core) warn(generation int, finding Finding) {
	attrs := []slog.Attr{slog.Int(keyGeneration, generation), slog.String(keyKind, finding.Kind)}
	if finding.Where != "" {
		attrs = append(attrs, slog.String(keyWhere, finding.Where))
	}
	if finding.Advice != "" {
		attrs = append(attrs, slog.String(keyAdvice, finding.Advice))
	}
	c.log(slog.LevelWarn, finding.Text, attrs...)
}
