package fcgi

import "testing"

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{"/srv/shop/log/fastcgi.socket-0": "unix", "127.0.0.1:9000": "tcp", "[::1]:9000": "tcp", "app:9000": "tcp"} {
		if got := Network(address); got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}
