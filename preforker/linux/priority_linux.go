package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Niceness is what this process was started with: -20 to 19, and the higher, the less of the CPUs it gets beside others.
func Niceness() (int, error) {
	priority, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	return 20 - priority, os.NewSyscallError("getpriority", err) // the kernel returns 1 to 40
}

// SetNiceness sets that of all threads of the processes in a group. It is the thread's, and what a thread starts inherits it.
func SetNiceness(group, niceness int) error {
	return os.NewSyscallError("setpriority", unix.Setpriority(unix.PRIO_PGRP, group, niceness))
}

// SetSessionNiceness sets that of a process's session beside other sessions. Where the kernel shares the CPUs among sessions (autogroup,
// sched(7)), that of a thread counts within its session alone. Anybody may set it, from 0 to 19, for his own processes; but of all who
// are not the superuser the kernel takes one wish in a tenth of a second (EAGAIN). A kernel without autogroups has nothing to set.
func SetSessionNiceness(pid, niceness int) error {
	file, err := os.OpenFile(fmt.Sprintf("/proc/%d/autogroup", pid), os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(strconv.Itoa(niceness))
	return errors.Join(err, file.Close())
}

// MayLowerNiceness says whether what this process starts may be brought down to a niceness from a higher one: as the superuser may
// (CAP_SYS_NICE), or where the limit allows it (RLIMIT_NICE, of systemd LimitNICE=+0). By default nobody else may.
func MayLowerNiceness(to int) bool {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NICE, &limit); err == nil && limit.Cur >= uint64(20-to) {
		return true
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[unix.CAP_SYS_NICE/32].Effective&(1<<(unix.CAP_SYS_NICE%32)) != 0
}
