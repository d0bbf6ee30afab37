package sockets

import (
	"strings"
	"testing"

	"launcher/preforker/hint"
	"launcher/preforker/linux"
)

func TestCheckPaths(t *testing.T) {
	dir := strings.Repeat("d", linux.MaxSocketPath-len("/fastcgi.socket-9"))
	if err := CheckPaths(dir, 10); err != nil {
		t.Errorf("a path of %d bytes: %v", linux.MaxSocketPath, err)
	}
	if err := CheckPaths(dir, 11); err == nil || !strings.Contains(err.Error(), "has 101 bytes") || hint.Of(err) == "" {
		t.Errorf("a longer one: %v", err)
	}
}
