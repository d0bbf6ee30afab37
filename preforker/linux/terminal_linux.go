package linux

import (
	"golang.org/x/sys/unix"
)

// InBackground says whether this process has a terminal and stands in its background: the terminal signals those there that read or
// write.
func InBackground() bool {
	fd, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return false // it has none
	}
	defer unix.Close(fd)
	foreground, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && foreground != unix.Getpgrp()
}
