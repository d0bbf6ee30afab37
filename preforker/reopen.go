package preforker

import (
	"context"

	"launcher/preforker/control"
	"launcher/preforker/internal/wire"
	"launcher/preforker/linux"
	"launcher/preforker/ruby"
)

// reopenAsked has every process open the application's logs anew that were moved away.
type reopenAsked struct {
	by    string
	reply chan int // how many processes were told; nil: nobody waits
}

// ReopenLogs opens the launcher's own logs anew, and has every process do so with the application's that were moved away: a worker
// between two requests. It may wait for a disk. The error is that of the launcher's own.
func (s *Supervisor) ReopenLogs(by string) error {
	err := s.config.reopenOwn()
	s.post(reopenAsked{by: by})
	return err
}

func (c Config) reopenOwn() error {
	if c.ReopenLogs == nil {
		return nil
	}
	return c.ReopenLogs()
}

// reopen is the verb.
func (s *Supervisor) reopen(ctx context.Context) (control.ReopenResult, error) {
	err := s.config.reopenOwn()
	asked := reopenAsked{by: "launcher reopen", reply: make(chan int, 1)}
	s.post(asked)
	select {
	case told := <-asked.reply:
		return control.ReopenResult{Processes: told}, err
	case <-s.done:
		return control.ReopenResult{}, control.ErrEnding
	case <-ctx.Done():
		return control.ReopenResult{}, ctx.Err()
	}
}

// tellToReopen tells all that have loaded, and remembers it for those that have not: what they have to say, or hear, until then is of
// their load.
func (s *Supervisor) tellToReopen(asked reopenAsked) {
	told := 0
	for _, p := range s.preloaders {
		told += p.reopen.ask(p.conn)
	}
	for _, w := range s.workers {
		told += w.reopen.ask(w.conn)
	}
	s.log.Info("logs are opened anew", keyReason, asked.by, keyProcesses, told)
	if asked.reply != nil {
		asked.reply <- told
	}
}

// reopening is whether a process is to open its logs anew once it can be told.
type reopening struct {
	loading bool // it cannot be told
	wanted  bool
}

// ask returns 1 where the process is told, or will be. One that cannot be told has ended, or does not read.
func (r *reopening) ask(conn *linux.PacketConn) int {
	if r.loading {
		r.wanted = true
		return 1
	}
	if ruby.Send(conn, wire.Reopen{}) != nil {
		return 0
	}
	return 1
}

// loaded tells what was to be told.
func (r *reopening) loaded(conn *linux.PacketConn) {
	r.loading = false
	if r.wanted {
		r.wanted = false
		r.ask(conn)
	}
}
