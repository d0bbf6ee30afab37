//go:build linux

package main

import (
	"slices"
	"testing"
)

func TestSendfileDirs(t *testing.T) {
	usual := []string{"/srv/shop/public", "/srv/shop/storage", "/srv/shop/tmp", "/srv/shop/files"}
	for _, test := range []struct{ named, want []string }{
		{nil, usual},
		{[]string{""}, usual}, // a variable that is set to nothing
		{[]string{"none"}, nil},
		{[]string{"./none"}, []string{"/srv/shop/none"}},
		{[]string{"private", "/srv/files/"}, []string{"/srv/shop/private", "/srv/files/"}},
		{[]string{"private:/srv/files"}, []string{"/srv/shop/private", "/srv/files"}},
	} {
		if got := sendfileDirs("/srv/shop", test.named); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.named, got, test.want)
		}
	}
}
