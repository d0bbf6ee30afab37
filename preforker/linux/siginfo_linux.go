package linux

import (
	"unsafe"

	"launcher/preforker/ident"

	"golang.org/x/sys/unix"
)

// childSiginfo is siginfo_t as waitid(2) fills it for SIGCHLD. The union that
// x/sys leaves opaque starts at the first pointer-aligned offset after the three
// ints (include/uapi/asm-generic/siginfo.h).
type childSiginfo struct {
	Signo, Errno, Code int32
	_                  [unsafe.Sizeof(uintptr(0)) - 4]byte
	Pid                int32
	Uid                uint32
	Status             int32
}

const (
	cldExited = 1
	cldDumped = 3
)

func exitStatus(info *unix.Siginfo) ident.ExitStatus {
	child := (*childSiginfo)(unsafe.Pointer(info))
	if child.Code == cldExited {
		return ident.ExitStatus{Code: int(child.Status)}
	}
	return ident.ExitStatus{Signal: ident.Signal(child.Status), Core: child.Code == cldDumped}
}

// siginfoPid is 0 where waitid found nobody to report.
func siginfoPid(info *unix.Siginfo) int {
	return int((*childSiginfo)(unsafe.Pointer(info)).Pid)
}
