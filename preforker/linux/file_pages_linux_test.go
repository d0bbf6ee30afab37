package linux

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
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

// What is written to a private mapping of a file is lost with its page, which shows the pages that were released.
func TestReleaseConstant(t *testing.T) {
	size := os.Getpagesize()
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(int64(4 * size)); err != nil {
		t.Fatal(err)
	}
	mapping, err := unix.Mmap(int(file.Fd()), 0, 4*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(mapping)
	for _, test := range []struct {
		name     string
		from, to int
		released []int
	}{
		{"all", 0, 4 * size, []int{0, 1, 2, 3}},
		{"parts of the first and the last page", 1, 4*size - 1, []int{1, 2}},
		{"a page to its end", size + 1, 3 * size, []int{2}},
		{"less than a page", size, 2*size - 1, nil},
		{"across two pages", size - 1, size + 1, nil},
		{"nothing", size, size, nil},
	} {
		copy(mapping, bytes.Repeat([]byte{1}, len(mapping)))
		if err := ReleaseConstant(mapping[test.from:test.to]); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		want := bytes.Repeat([]byte{1}, len(mapping))
		for _, page := range test.released {
			clear(want[page*size : (page+1)*size])
		}
		if !bytes.Equal(mapping, want) {
			t.Errorf("%s: other pages than %v were released", test.name, test.released)
		}
	}
}
