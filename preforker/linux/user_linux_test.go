package linux

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// effective are the first 32 effective capabilities of the calling thread.
func effective(t *testing.T) uint32 {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var capabilities [2]unix.CapUserData
	if err := unix.Capget(&header, &capabilities[0]); err != nil {
		t.Fatal(err)
	}
	return capabilities[0].Effective
}

// TestThreadCapabilities: each that there is can be put down and taken up again. Root of a container may lack the one that AsUser puts down.
func TestThreadCapabilities(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := effective(t)
	if were := setThreadCapabilities(func(uint32) uint32 { return 0 }); were != before || effective(t) != 0 {
		t.Errorf("%#x are left of %#x, and it were %#x", effective(t), before, were)
	}
	if were := setThreadCapabilities(func(uint32) uint32 { return before }); were != 0 || effective(t) != before {
		t.Errorf("%#x are there again of %#x, and it were %#x", effective(t), before, were)
	}
}

// TestAsUser: files are made with the user's rights, without what root has besides, and root is itself again after that.
func TestAsUser(t *testing.T) {
	resource := func() uint32 { return effective(t) & (1 << unix.CAP_SYS_RESOURCE) }
	const nobody = 65534
	secret := t.TempDir() + "/secret"
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := resource()
	var within uint32
	var read error
	err := AsUser(nobody, nobody, []int{nobody}, func() error {
		within = resource()
		_, read = os.ReadFile(secret)
		return nil
	})
	if os.Geteuid() != 0 {
		if err == nil {
			t.Error("who is not root became another user")
		}
		return
	}
	if err != nil || !os.IsPermission(read) || within != 0 {
		t.Errorf("%v; the file: %v; capability %#x", err, read, within)
	}
	if after := resource(); after != before {
		t.Errorf("capability %#x afterwards, was %#x", after, before)
	}
}
