package preforker

import (
	"time"

	"launcher/preforker/core"
)

// Condition is how the service is, in a few numbers.
type Condition = core.Condition

// Manager is the service manager that has started this process. Its methods are called by the loop, and do not wait.
type Manager interface {
	// Period is how often it wants to hear that the loop goes on.
	Period() time.Duration
	// Tell is called with each change, and once a period.
	Tell(Condition)
}

// beats tells when the manager is to hear of the loop: never where there is none.
func (s *Supervisor) beats() <-chan time.Time {
	if s.config.Manager == nil {
		return nil
	}
	return time.Tick(s.config.Manager.Period())
}

func (s *Supervisor) tellManager() {
	if s.config.Manager != nil {
		s.config.Manager.Tell(s.core.Condition())
	}
}
