package preforker

import (
	"fmt"
	"os"

	"launcher/preforker/core"
	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
	"launcher/preforker/linux"
	"launcher/preforker/ruby"
)

// reforkWorker sends a worker the control socket of the preloader that it is to be reforked to.
// From here on that preloader is known. The worker answers over that socket, before it closes it:
// where nobody holds the other end any more, and the pid was never told, there is no such process.
func (s *Supervisor) reforkWorker(a core.ReforkWorker) {
	conn, theirs, output, err := reforkEnds(a.Origin)
	if err == nil {
		defer theirs.Close()
		defer output.Given()
		s.addPreloader(a.Origin, ruby.Process{Conn: conn}).forked = output
		if w := s.workers[a.Key]; w != nil { // else it has ended, and the socket's other end is closed here
			err = ruby.Send(w.conn, wire.Refork{Origin: a.Origin, Checked: s.config.Refork.Checked}, theirs, output.Writer())
		}
	}
	if err != nil {
		s.log.Warn("worker could not be asked to refork", keySlot, a.Key.Slot, keyPreloader, a.Origin, keyError, err)
	}
	if conn == nil {
		s.tasks.Go(func() {
			s.post(core.PreloaderExited{Origin: a.Origin, StartError: startErrorOf(fmt.Errorf("refork: %w", err))})
		})
	}
}

// reforkEnds makes the control socket of the preloader that comes, and the pipe for what it prints.
func reforkEnds(origin ident.Origin) (*linux.PacketConn, *os.File, *ruby.Captured, error) {
	conn, theirs, err := linux.PacketPair("control " + origin.String())
	if err != nil {
		return nil, nil, nil, err
	}
	output, err := ruby.Capture("output " + origin.String())
	if err != nil {
		_ = conn.Close()
		_ = theirs.Close()
		return nil, nil, nil, err
	}
	return conn, theirs, output, nil
}

// followPreloaderPid waits for a preloader whose pid has become known, by whichever message came
// first. One that was started is followed from its start.
func (s *Supervisor) followPreloaderPid(origin ident.Origin, pid int) {
	p := s.preloaders[origin]
	if p == nil || p.child != nil {
		return
	}
	child, err := linux.FollowChild(pid)
	if err != nil {
		// It cannot be ours: the end of its life line ends it.
		s.log.Error("preloader could not be followed", keyPreloader, origin, keyPid, pid, keyError, err)
		p.conn.FinishSending()
		return
	}
	p.child = child
	s.capture(p.forked, &lineOrigin{preloader: origin.String(), pid: pid})
	s.tasks.Go(func() { s.awaitPreloader(p) })
	s.reapOrphans() // a pass that waited for this pid can go on
}

// preloaderChannelClosed makes the end of a preloader of it whose pid nobody has told: with the last
// end of its control socket there is no such process.
func (s *Supervisor) preloaderChannelClosed(e core.PreloaderChannelClosed) core.Event {
	p := s.preloaders[e.Origin]
	if p == nil || p.child != nil {
		return e
	}
	delete(s.preloaders, e.Origin)
	_ = p.conn.Close()
	p.forked.Discard()
	s.endHelpersOf(ident.Key{Generation: e.Origin.Generation})
	s.reapOrphans() // a pass that waited for its pid can go on
	return core.PreloaderExited{Origin: e.Origin, Failed: failedOf(p.failed)}
}
