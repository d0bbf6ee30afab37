//go:build linux

package cli

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// socketMode reads an octal mode.
func socketMode(text string) (os.FileMode, error) {
	mode, err := strconv.ParseUint(text, 8, 32)
	if err != nil || mode > 0o777 {
		return 0, usageErrorf("--socket-mode 0660", "read --%s: %q is not an octal mode up to 0777", optSocketMode, text)
	}
	return os.FileMode(mode), nil
}

// socketGroup returns a gid, -1 where the group is left alone.
func socketGroup(name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	return groupID(optSocketGroup, name)
}

// socketUser returns a uid, -1 where the owner is left alone.
func socketUser(name string, as *account) (int, error) {
	if name == "" {
		return -1, nil
	}
	owner, err := findAccount(name, "")
	if err != nil {
		return 0, usageErrorf("--socket-user www-data", "read --%s: there is no user %q", optSocketUser, name)
	}
	who := os.Geteuid()
	if as != nil {
		who = as.uid
	}
	if who == owner.uid {
		return -1, nil
	}
	if who != 0 {
		return 0, usageErrorf("--socket-group, or run the launcher as "+owner.name, "read --%s: only root can give a socket to another user", optSocketUser)
	}
	return owner.uid, nil
}

// groupID returns the gid of a group that an option names.
func groupID(option, name string) (int, error) {
	if gid, err := strconv.Atoi(name); err == nil && gid >= 0 {
		return gid, nil
	}
	group, err := user.LookupGroup(name)
	if err != nil {
		return 0, usageErrorf("--"+option+" www-data", "read --%s: %v", option, err)
	}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		return 0, fmt.Errorf("read group %s: %w", name, err)
	}
	return gid, nil
}
