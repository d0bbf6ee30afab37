package preforker

import (
	"os"
	"path/filepath"
	"time"

	"launcher/preforker/core"
)

// restartFileName is what is touched to ask for a restart, by the application's root.
const restartFileName = "tmp/restart.txt"

// restartFile is checked together with the socket folder, by one goroutine at a time. The path is that of the root as it was
// given, so it is another file after a link to the newest release has been moved.
type restartFile struct {
	path    string
	touched time.Time // the time that was seen last; zero: there was no such file
}

// newRestartFile takes the file as it is: only what is done to it from now on asks for something.
func newRestartFile(root string) restartFile {
	f := restartFile{path: filepath.Join(root, restartFileName)}
	f.changed()
	return f
}

// changed says whether the file has been made or touched since it was seen last. An older time counts, too: the clock may have been
// put back.
func (f *restartFile) changed() bool {
	info, err := os.Stat(f.path)
	if err != nil || info.ModTime().Equal(f.touched) {
		return false
	}
	f.touched = info.ModTime()
	return true
}

// checkRestartFile posts a wish where the file was touched.
func (s *Supervisor) checkRestartFile() {
	if s.restartFile.changed() {
		s.post(core.RestartAsked{By: restartFileName})
	}
}
