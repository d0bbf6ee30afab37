package sim

import (
	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// failsProbe has a worker end that is asked for a response before it is ready, and gives a bad one, or none for too long.
func (p *worker) failsProbe() bool {
	w := p.w
	if p.probe == core.ProbeNone {
		return false
	}
	switch bad := w.badOf(p.key.Generation); {
	case bad == failsProbe, bad == answersErrors && w.below(2) == 1, w.fault():
	default:
		return false
	}
	if w.fault() {
		return true // it hangs
	}
	p.probing = true
	p.die(ident.ExitStatus{Code: 1}, true, "")
	return true
}
