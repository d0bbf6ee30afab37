package preforker

import (
	"os"
	"strconv"
	"syscall"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// startWorker starts a Ruby that loads the application and then serves a slot. Its channel is
// where a preloader has its control socket, what serves the slot comes after what every Ruby gets.
func (s *Supervisor) startWorker(key ident.Key, files []*os.File, probe core.Probe) error {
	start := s.rubyStart()
	settings, err := start.Settings(key.Generation)
	if err != nil {
		return err
	}
	record, err := s.takeRecord()
	if err != nil {
		return err
	}
	settings["spawn_method"] = string(SpawnDirect)
	settings["slot"] = strconv.Itoa(key.Slot)
	settings["serial"] = strconv.Itoa(key.Serial)
	settings["record"] = strconv.Itoa(record)
	settings["probed"] = string(probe)
	process, err := start.Launch("channel "+key.String(), settings, nil, files...)
	if err != nil {
		s.records.give(record)
		return err
	}
	s.expectHelpers(key, process.Child)
	w := &workerProcess{key: key, conn: process.Conn, record: record, socket: s.sockets.Inode(key.Slot),
		read: make(chan struct{}), child: process.Child, ruby: process, reopen: reopening{loading: true}}
	s.workers[key] = w
	s.tasks.Go(func() { s.readWorker(w, key) })
	s.followEnd(w, key)
	return nil
}

// askWorker asks a worker that loads where it is (scripts/loading.rb).
func (s *Supervisor) askWorker(key ident.Key) {
	w := s.workers[key]
	if w == nil {
		return // it has ended; the core hears of it next
	}
	if err := w.child.Signal(syscall.SIGQUIT); err != nil {
		s.log.Warn("worker could not be asked where it is", keySlot, key.Slot, keyGeneration, key.Generation, keyError, err)
	}
}
