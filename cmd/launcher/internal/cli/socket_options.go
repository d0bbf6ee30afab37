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
	if gid, err := strconv.Atoi(name); err == nil && gid >= 0 {
		return gid, nil
	}
	group, err := user.LookupGroup(name)
	if err != nil {
		return 0, usageErrorf("--socket-group www-data", "read --%s: %v", optSocketGroup, err)
	}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		return 0, fmt.Errorf("read group %s: %w", name, err)
	}
	return gid, nil
}
