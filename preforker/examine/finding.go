package examine

import (
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
