package preforker

import (
	"fmt"
	"os"
	"path/filepath"

	"launcher/preforker/control"
	"launcher/preforker/linux"
	"launcher/preforker/ruby"
	"launcher/preforker/smallfile"
	"launcher/preforker/sockets"
)

// folderCheck is what there is to check of the socket folder, as it was when the check began. Its
// goroutine alone waits for the disk: it makes anew what is missing, and the loop takes that over.
type folderCheck struct {
	root, dir     string // of the application; of the sockets
	snippetName   string // "": there is none
	snippet       string
	socketOptions linux.SocketOptions

	folder  *sockets.Folder
	paths   []string            // of the sockets
	files   []sockets.NamedFile // of the sockets, by slot
	pid     *sockets.PidFile
	control *control.Server
	heap    *ruby.HeapFile
	restore bool // what is missing beside the sockets is put back, which fails too often to be tried each time
}

// folderChecked is what a check has found and made anew.
type folderChecked struct {
	check   folderCheck
	lost    []int                 // slots whose socket's file is gone, or another one
	bound   map[int]sockets.Bound // sockets in their places
	unbound map[int]error         // why there is none
	pid     *sockets.PidFile      // in the place of one that was lost; nil: none
	control *control.Server       // likewise
	snippet bool                  // it was written anew
	tried   bool                  // something beside the sockets was missing
	err     error                 // what was in the way of putting it back
}

// run checks, and puts back. Nothing is put into a folder that another launcher has taken
// meanwhile.
func (c folderCheck) run() folderChecked {
	found := folderChecked{check: c, lost: c.lostSockets(), bound: map[int]sockets.Bound{}, unbound: map[int]error{}}
	holder := c.pid
	if c.pid.Lost() {
		if !c.restore {
			return found
		}
		found.tried = true
		if found.pid, found.err = c.lockAgain(); found.err != nil {
			return found
		}
		holder = found.pid
	}
	stale := sockets.Staleness{Predecessor: holder.Predecessor, Moved: true}
	for _, slot := range found.lost {
		if bound, err := sockets.Bind(c.paths[slot], c.socketOptions, stale); err != nil {
			found.unbound[slot] = err
		} else {
			found.bound[slot] = bound
		}
	}
	if c.restore {
		found.err = c.putBack(&found, stale)
	}
	return found
}

func (c folderCheck) lostSockets() (lost []int) {
	for slot, path := range c.paths {
		if file := c.files[slot]; file.Held() && file.Lost(path) {
			lost = append(lost, slot)
		}
	}
	return lost
}

// lockAgain makes sure that the folder is there, and locks it as at the start.
func (c folderCheck) lockAgain() (*sockets.PidFile, error) {
	if err := c.folder.Restore(c.root); err != nil {
		return nil, err
	}
	fresh, err := sockets.LockPidFile(c.dir)
	if err != nil {
		return nil, fmt.Errorf("lock socket folder again: %w", err)
	}
	return fresh, nil
}

// putBack makes anew what is missing beside the sockets and the pid file.
func (c folderCheck) putBack(found *folderChecked, stale sockets.Staleness) (err error) {
	if c.control.Lost() {
		found.tried = true
		if found.control, err = control.Listen(c.dir, stale); err != nil {
			return err
		}
	}
	if c.snippetName != "" {
		if _, err := os.Lstat(filepath.Join(c.dir, c.snippetName)); err != nil && smallfile.IsMissing(err) {
			found.tried = true
			if err := c.folder.WriteSnippet(c.snippetName, c.snippet); err != nil {
				return err
			}
			found.snippet = true
		}
	}
	if c.heap.Lost() {
		found.tried = true
		return c.heap.WriteAgain() // it is no loss, and no news
	}
	return nil
}

// discard closes what was made anew and that nobody takes over, and removes its files.
func (f folderChecked) discard() {
	for _, bound := range f.bound {
		bound.Close()
	}
	if f.control != nil {
		f.control.Close()
	}
	if f.pid != nil {
		f.pid.Release()
	}
}
