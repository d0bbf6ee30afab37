package preforker

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"launcher/preforker/hint"
	"launcher/preforker/internal/testdir"
)

// TestAskStrangers: what is in the place of the control socket is not waited for, and not believed.
func TestAskStrangers(t *testing.T) {
	for name, put := range testdir.NotFiles {
		if name == "a socket" {
			continue
		}
		dir := testdir.Short(t)
		put(t, filepath.Join(dir, ControlSocketName))
		if _, _, err := AskStatus(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "is there and is not a socket") || hint.Of(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := testdir.Short(t)
	path := filepath.Join(dir, ControlSocketName)
	datagrams, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := AskStatus(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "is another program's") || hint.Of(err) == "" {
		t.Errorf("a socket of another type: %v", err)
	}
	_ = datagrams.Close()
	_ = os.Remove(path)
}
