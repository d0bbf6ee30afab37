package sockets

import (
	"os"
	"path/filepath"

	"launcher/preforker/smallfile"
)

// NamedFile is a file that this process has made and holds: a socket that is bound, or the pid
// file. As long as it is held no other file gets its inode, though its name may be gone.
type NamedFile struct {
	path string      // with no links in it: the way to the folder may lead elsewhere by now
	info os.FileInfo // nil: none
}

func nameFile(path string, info os.FileInfo) NamedFile {
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, filepath.Base(path))
	}
	return NamedFile{path, info}
}

// Lost says whether a path that has led to the file does not any more. Where that cannot be seen,
// it may well be there.
func (f NamedFile) Lost(path string) bool {
	now, err := os.Lstat(path)
	if err != nil {
		return smallfile.IsMissing(err)
	}
	return !os.SameFile(now, f.info)
}

// Remove removes the file, unless somebody has cleaned the folder and made another one of this
// name.
func (f NamedFile) Remove() {
	if f.info == nil {
		return
	}
	if now, err := os.Lstat(f.path); err == nil && os.SameFile(now, f.info) {
		_ = os.Remove(f.path)
	}
}
