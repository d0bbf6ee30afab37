//go:build linux

package cli

import "testing"

func TestMaxPrivateSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{
		"20MB": 20 << 20, "20M": 20 << 20, "20mb": 20 << 20, "20 MB": 20 << 20, "20MiB": 20 << 20, " 20MB ": 20 << 20,
		"1.5G": 3 << 29, "0.5gb": 1 << 29, "20480K": 20 << 20, "1MB": 1 << 20, "auto": 0, "AUTO": 0, "off": 0,
	} {
		budget, err := maxPrivate(text)
		if err != nil || budget.Bytes != want || budget.Auto != (text == "auto" || text == "AUTO") {
			t.Errorf("%q: %+v, %v", text, budget, err)
		}
	}
	for _, text := range []string{"", "20", "20X", "MB", "-5MB", "1e9K", "0x10MB", "1_0MB", "20 M B", "20BM", "20MM", "0.5MB", "1023K",
		"infM", "nanM", "1..5G", "2000000G", "automatic", "20MB 30MB", "20IB", "20B"} {
		if budget, err := maxPrivate(text); err == nil {
			t.Errorf("%q passes for %+v", text, budget)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	for _, seed := range []string{"20MB", "1.5G", "20", "", "MB", "1.5.5M", "İM"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if bytes, ok := parseSize(text); ok && bytes > 1<<50 {
			t.Errorf("%q is %d bytes", text, bytes)
		}
	})
}
