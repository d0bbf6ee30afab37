package linux

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDisableHugePages looks at a child: it inherits the setting and keeps it over exec.
func TestDisableHugePages(t *testing.T) {
	if err := DisableHugePages(); err != nil {
		t.Fatal(err)
	}
	status, err := exec.Command("cat", "/proc/self/status").Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(status), "THP_enabled:") && !strings.Contains(string(status), "THP_enabled:\t0\n") {
		t.Errorf("huge pages are on in a child:\n%s", status)
	}
}
