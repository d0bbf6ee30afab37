//go:build linux

package cli

import "testing"

func TestProbePath(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"auto": "", " Auto": "", "off": "off", "/up": "/up", "/health?deep=1": "/health?deep=1",
		"up": "!", "/a b": "!", "": "!", "http://x/": "!", "/\x1b": "!"} {
		got, err := probePath(text)
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
