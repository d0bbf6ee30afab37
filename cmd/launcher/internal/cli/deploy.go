//go:build linux

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"launcher/preforker/hint"
)

// A deploy makes a folder for each release and points a link, usually called current, to the newest one. The
// application's root is that link: what is loaded after the next deploy must be what it leads to then. The kernel knows
// the current folder by the release alone. A shell has its name in PWD, systemd and cron have not: then the link is searched.

// currentLink is the name of the link that Capistrano and most others make.
const currentLink = "current"

const (
	// deployLevels is how far above the current folder a link to it, or to one between, is searched.
	deployLevels = 4
	// maxDeployEntries of each of these folders are read.
	maxDeployEntries = 2000
)

// workingDir returns the current folder by the name that stays after a deploy, as far as it can be known.
func workingDir() (string, error) {
	dir, err := os.Getwd() // PWD, where that is right
	if err != nil {
		return "", hint.Errorf("change to the application's folder, or name it with --root and --socket-dir",
			"find the current folder: %w", err)
	}
	if os.Getenv("PWD") == dir {
		return dir, nil
	}
	if links := linksTo(dir); len(links) == 1 {
		return links[0], nil
	}
	return dir, nil
}

// absolute makes a path absolute by the name of the current folder that stays after a deploy.
func absolute(path string) (string, error) {
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	dir, err := workingDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, path), nil
}

// belowRoot returns a path that is told from the application's folder.
func belowRoot(root, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(root, path)
}

// linksTo returns other names of a folder whose name has no links: by a link called current that leads to it or to a folder
// above it, or else by any link beside it or beside the folder above it that leads to this very one.
func linksTo(dir string) (found []string) {
	type level struct {
		path string
		info os.FileInfo
	}
	var levels []level // the folder itself, and those above it as far as they have been passed
	for path := dir; len(levels) < deployLevels && path != filepath.Dir(path); path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			return nil
		}
		levels = append(levels, level{path, info})
		link := filepath.Join(filepath.Dir(path), currentLink)
		if target, err := os.Stat(link); isLink(link) && err == nil {
			for _, l := range levels {
				if os.SameFile(target, l.info) {
					return []string{link + strings.TrimPrefix(dir, l.path)}
				}
			}
		}
	}
	for _, l := range levels[:min(2, len(levels))] {
		for _, link := range linksIn(filepath.Dir(l.path), filepath.Base(dir)) {
			if target, err := os.Stat(link); err == nil && os.SameFile(target, levels[0].info) {
				found = append(found, link)
			}
		}
	}
	return found
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().Type() == fs.ModeSymlink
}

// linksIn returns the links in a folder whose target has that name. Others are not followed: they could lead to a
// file system that hangs.
func linksIn(dir, target string) (found []string) {
	folder, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer folder.Close()
	entries, _ := folder.ReadDir(maxDeployEntries)
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if entry.Type() != fs.ModeSymlink {
			continue
		}
		if text, err := os.Readlink(path); err == nil && filepath.Base(text) == target {
			found = append(found, path)
		}
	}
	return found
}

// deployWarnings returns warnings where the next deploy would not be noticed, or would take the sockets away.
func deployWarnings(root, socketDir string) (warnings []string) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil
	}
	link := releaseLink(root)
	if link == "" {
		for _, other := range linksTo(real) {
			if strings.Contains(other+"/", "/"+currentLink+"/") {
				warnings = append(warnings, fmt.Sprintf("HUP loads %s again, wherever %s leads by then: start with --root %s", root, other, other))
				link = other
			}
		}
	}
	if link == "" && filepath.Base(filepath.Dir(real)) != "releases" {
		return warnings
	}
	if dir := realDir(socketDir); dir == real || strings.HasPrefix(dir, real+"/") {
		warnings = append(warnings, fmt.Sprintf("the sockets are in a release, %s: a deploy takes their folder away, and requests fail until they are "+
			"bound in the next one's; choose a folder that stays (--socket-dir /run/%s)", real, appName(root)))
	}
	return warnings
}

// releaseLink returns the link in a path that a deploy changes: the last part, or one called current. "" where there is none.
func releaseLink(path string) string {
	if isLink(path) {
		return path
	}
	for ; path != filepath.Dir(path); path = filepath.Dir(path) {
		if filepath.Base(path) == currentLink && isLink(path) {
			return path
		}
	}
	return ""
}

// realDir returns a folder's path without links, also of one that is not there yet.
func realDir(dir string) string {
	real, err := filepath.EvalSymlinks(dir)
	switch {
	case err == nil:
		return real
	case !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir):
		return dir
	}
	return filepath.Join(realDir(filepath.Dir(dir)), filepath.Base(dir))
}

// appName returns a name for an application by where it is: shop for /srv/shop/current and for
// /srv/shop/releases/7.
func appName(root string) string {
	name := filepath.Base(root)
	if above := filepath.Dir(root); name == currentLink {
		name = filepath.Base(above)
	} else if filepath.Base(above) == "releases" {
		name = filepath.Base(filepath.Dir(above))
	}
	return name
}
