package sockets

import (
	"os"
	"path/filepath"

	"launcher/preforker/linux"
	"launcher/preforker/smallfile"
)

// NamedFile is a file that this process has made and holds: a socket that is bound, or the pid
// file. As long as it is held no other file gets its inode, though its name may be gone.
type NamedFile struct {
	path string       // with no links in it: the way to the folder may lead elsewhere by now
	id   linux.FileID // zero: none
}

func nameFile(path string, info os.FileInfo) NamedFile {
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, filepath.Base(path))
	}
	return NamedFile{path, linux.FileIDOf(info)}
}

// FileAt is the file that a path leads to now.
func FileAt(path string) (NamedFile, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return NamedFile{}, err
	}
	return nameFile(path, info), nil
}

// Lost says whether a path that has led to the file does not any more. Where that cannot be seen,
// it may well be there.
func (f NamedFile) Lost(path string) bool {
	now, err := linux.FileAt(path)
	if err != nil {
		return smallfile.IsMissing(err)
	}
	return now != f.id
}

// Held says whether there is a file.
func (f NamedFile) Held() bool { return f.id != linux.FileID{} }

// Remove removes the file, unless somebody has cleaned the folder and made another one of this
// name.
func (f NamedFile) Remove() {
	if !f.Held() {
		return
	}
	if now, err := linux.FileAt(f.path); err == nil && now == f.id {
		_ = os.Remove(f.path)
	}
}
