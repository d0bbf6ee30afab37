package linux

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// BecomeUser has this process, with all its threads, be another user's for good, and sees that there is no way back.
func BecomeUser(uid, gid int, groups []int) error {
	// Of package syscall, which changes all threads; what unix has changes the calling one.
	if err := syscall.Setgroups(groups); err != nil {
		return os.NewSyscallError("setgroups", err)
	}
	if err := syscall.Setresgid(gid, gid, gid); err != nil {
		return os.NewSyscallError("setresgid", err)
	}
	if err := syscall.Setresuid(uid, uid, uid); err != nil {
		return os.NewSyscallError("setresuid", err)
	}
	return checkUser(uid, gid, groups)
}

// checkUser is an error where the process is another user's, or could become one.
func checkUser(uid, gid int, groups []int) error {
	users := make([]int, 3)
	users[0], users[1], users[2] = unix.Getresuid()
	its := make([]int, 3)
	its[0], its[1], its[2] = unix.Getresgid()
	have, err := unix.Getgroups()
	if err != nil {
		return os.NewSyscallError("getgroups", err)
	}
	slices.Sort(have)
	want := slices.Sorted(slices.Values(groups))
	if !slices.Equal(users, []int{uid, uid, uid}) || !slices.Equal(its, []int{gid, gid, gid}) || !slices.Equal(have, want) {
		return fmt.Errorf("users are %d, groups are %d and %d", users, its, have)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var capabilities [2]unix.CapUserData
	if err := unix.Capget(&header, &capabilities[0]); err != nil {
		return os.NewSyscallError("capget", err)
	}
	for _, c := range capabilities {
		if c.Effective|c.Permitted != 0 {
			return fmt.Errorf("capabilities are left: %#x", c.Effective|c.Permitted)
		}
	}
	if syscall.Setresuid(-1, 0, -1) == nil {
		return fmt.Errorf("it can become root again")
	}
	return nil
}

// AsUser calls do with the rights that a user and their groups have to files, and with those of no others: paths may be that user's
// to change meanwhile, and what is kept free on a disk for root is not for that user. Root may call it. A goroutine that do starts
// has other rights.
func AsUser(uid, gid int, groups []int, do func() error) (err error) {
	own, err := unix.Getgroups()
	if err != nil {
		return os.NewSyscallError("getgroups", err)
	}
	runtime.LockOSThread()
	had := setThreadCapabilities(func(effective uint32) uint32 { return effective &^ (1 << unix.CAP_SYS_RESOURCE) })
	defer func() {
		setThreadCapabilities(func(effective uint32) uint32 { return effective | had&(1<<unix.CAP_SYS_RESOURCE) })
		back := setThreadUser(os.Geteuid(), os.Getegid(), own)
		if back == nil {
			runtime.UnlockOSThread() // else nobody else gets this thread
		}
		err = errors.Join(err, back)
	}()
	if err := setThreadUser(uid, gid, groups); err != nil {
		return err
	}
	return do()
}

// setThreadUser changes whose rights to files the calling thread has. Its capability to change groups stays.
func setThreadUser(uid, gid int, groups []int) error {
	if err := unix.Setgroups(groups); err != nil {
		return os.NewSyscallError("setgroups", err)
	}
	if err := unix.Setfsgid(gid); err != nil {
		return os.NewSyscallError("setfsgid", err)
	}
	if err := unix.Setfsuid(uid); err != nil {
		return os.NewSyscallError("setfsuid", err)
	}
	if now, err := unix.SetfsuidRetUid(-1); err != nil || now != uid {
		return fmt.Errorf("setfsuid: the user is %d (%v)", now, err)
	}
	if now, err := unix.SetfsgidRetGid(-1); err != nil || now != gid {
		return fmt.Errorf("setfsgid: the group is %d (%v)", now, err)
	}
	return nil
}

// setThreadCapabilities changes the first 32 effective capabilities of the calling thread, and returns what they were. Where a sandbox
// does not let it, they stay as they are.
func setThreadCapabilities(change func(effective uint32) uint32) (were uint32) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var capabilities [2]unix.CapUserData
	if unix.Capget(&header, &capabilities[0]) != nil {
		return 0
	}
	were = capabilities[0].Effective
	if capabilities[0].Effective = change(were); capabilities[0].Effective != were {
		_ = unix.Capset(&header, &capabilities[0])
	}
	return were
}

// MayWrite is an error where this process may not make files in a folder.
func MayWrite(folder string) error {
	return os.NewSyscallError("access", unix.Access(folder, unix.W_OK|unix.X_OK))
}
