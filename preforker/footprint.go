package preforker

import "launcher/preforker/linux"

// forgetStart gives back what this process has touched of its own program until everything
// serves, or until other workers do: some 7 MB that a supervisor at rest does not look at again. It is an
// economy: where it fails nothing else does.
func (s *Supervisor) forgetStart() {
	if err := linux.ForgetProgram(); err != nil {
		s.log.Debug("the pages of the start could not be given back", keyError, err)
	}
}
