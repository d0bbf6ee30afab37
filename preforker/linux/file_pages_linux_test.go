package linux

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

func residentOfFiles(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`RssFile:\s+(\d+) kB`).FindSubmatch(text)
	if match == nil {
		t.Fatalf("no RssFile in %s", text)
	}
	kB, _ := strconv.Atoi(string(match[1]))
	return kB
}

func TestReleaseFilePages(t *testing.T) {
	before := residentOfFiles(t)
	if err := ReleaseFilePages(); err != nil {
		t.Fatal(err)
	}
	after := residentOfFiles(t)
	t.Logf("%d kB of files before, %d kB after", before, after)
	if after > before*3/4 {
		t.Errorf("%d kB of %d kB stayed", after, before)
	}
}
