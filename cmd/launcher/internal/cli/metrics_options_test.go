//go:build linux

package cli

import (
	"strings"
	"testing"

	"launcher/preforker/hint"
)

func TestMetricsAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		words         []string
		want, mistake string
	}{
		{nil, "", ""},
		{[]string{"--metrics", "127.0.0.1:9397"}, "127.0.0.1:9397", ""},
		{[]string{"--metrics", ":9397"}, ":9397", ""},
		{[]string{"--metrics", "[::1]:9397", "--http", "[::1]:3000"}, "[::1]:9397", ""},
		{[]string{"--metrics", "127.0.0.1:0", "--http", "127.0.0.1:0"}, "127.0.0.1:0", ""},
		{[]string{"--metrics", "9397"}, "", `"9397" is not an address with a port`},
		{[]string{"--metrics", "127.0.0.1"}, "", "is not an address with a port"},
		{[]string{"--metrics", "127.0.0.1:"}, "", "is not an address with a port"},
		{[]string{"--metrics", "127.0.0.1:70000"}, "", `"70000" is not a port from 0 to 65535`},
		{[]string{"--metrics", "127.0.0.1:9397,127.0.0.1:9398"}, "", "is not an address with a port"},
		{[]string{"--metrics", "local host:9397"}, "", "is not an address with a port"},
		{[]string{"--metrics", "http://127.0.0.1:9397/metrics"}, "", "is a URL"},
		{[]string{"--metrics", "unix:/run/shop/metrics"}, "", "that of launcher status"},
		{[]string{"--metrics", "/run/shop/metrics"}, "", "that of launcher status"},
		{[]string{"--metrics", "127.0.0.1:3000", "--http", "127.0.0.1:3000"}, "", "127.0.0.1:3000 is what --http has"},
		{[]string{"--metrics", "127.0.0.1:3000", "--http", "127.0.0.1:3001,http://127.0.0.1:3000/"}, "", "is what --http has"},
		{[]string{"--metrics", "127.0.0.1:9394", "--dashboard", "127.0.0.1:9394"}, "", "127.0.0.1:9394 is what --dashboard has"},
		{[]string{"--metrics", "127.0.0.1:9397", "--dashboard", "127.0.0.1:9394"}, "127.0.0.1:9397", ""},
		{[]string{"--metrics-compat", "puma,php-fpm"}, "", ""},
		{[]string{"--metrics-compat", "unicorn"}, "", `read --metrics-compat: "unicorn" is neither puma nor php-fpm`},
	} {
		got, err := readMetrics(runContext(t, test.words...))
		switch {
		case test.mistake == "":
			if err != nil || got.address != test.want {
				t.Errorf("%q: %+v, %v", test.words, got, err)
			}
		case err == nil || !strings.Contains(err.Error(), test.mistake) || hint.Of(err) == "":
			t.Errorf("%q: %v (%s)", test.words, err, hint.Of(err))
		}
	}
}
