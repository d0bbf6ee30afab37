//go:build linux

package proc

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// splitRuby has 20 MB, forks, and waits. Its child says that it is there, and for each line
// that the parent gets: it has overwritten 5 MB of the 20, it has made 10 MB of its own.
const splitRuby = `
GC.disable
GC.start
text = "a" * (20 << 20)
reader, writer = IO.pipe
child = fork do
  writer.close
  puts "forked"
  reader.gets
  0.step(5 * (1 << 20) - 1, 4096) { |at| text.setbyte(at, 98) }
  puts "written"
  reader.gets
  more = "c" * (10 << 20)
  puts "made"
  reader.gets
  more.clear
end
reader.close
puts child
while (line = $stdin.gets) do writer.puts(line) end`

// frames tells whether the kernel lets the test see frames.
func frames(t *testing.T) bool {
	t.Helper()
	_, err := SplitPrivate(os.Getpid(), os.Getpid())
	if err != nil && !errors.Is(err, ErrNoFrames) {
		t.Fatal(err)
	}
	if os.Getuid() != 0 && err == nil {
		t.Fatal("the kernel shows frames to a user")
	}
	return err == nil
}

func TestSplitPrivate(t *testing.T) {
	ruby := startRuby(t, splitRuby)
	child := splitChild(t, ruby)
	split := func() Split {
		t.Helper()
		s, err := SplitPrivate(child, ruby.pid())
		if !frames(t) {
			if !errors.Is(err, ErrNoFrames) {
				t.Errorf("without frames: %v, want ErrNoFrames", err)
			}
		} else if err != nil {
			t.Fatal(err)
		}
		return s
	}
	forked := split()
	ruby.send("write")
	ruby.expect("written")
	written := split()
	ruby.send("make")
	ruby.expect("made")
	made := split()
	if !frames(t) {
		return
	}
	// Ruby's own: the start of a process copies some pages, each call a few more.
	near(t, "Shared after the fork", forked.Shared, 22*mB, 4*mB)
	near(t, "Copied after the fork", forked.Copied, 0, 1*mB)
	near(t, "New after the fork", forked.New, 0, 1*mB)
	near(t, "Copied by writing", written.Copied-forked.Copied, 5*mB, 512*kB)
	near(t, "New by writing", written.New-forked.New, 0, 512*kB)
	near(t, "Shared lost by writing", forked.Shared-written.Shared, 5*mB, 512*kB)
	near(t, "Copied by making", made.Copied-written.Copied, 0, 512*kB)
	near(t, "New by making", made.New-written.New, 10*mB, 512*kB)

	// The kernel's own sum has pages of files beside them.
	usage, err := Of(child)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "Private", usage.Private, made.Copied+made.New, 512*kB)
}

// splitChild waits for both lines that come first, in either order.
func splitChild(t *testing.T, ruby *process) int {
	t.Helper()
	first, second := ruby.line(), ruby.line()
	if first == "forked" {
		first, second = second, first
	}
	if second != "forked" {
		t.Fatalf("Ruby said %q and %q", first, second)
	}
	return atoi(t, first)
}

func TestSplitWithoutFrames(t *testing.T) {
	helper := startUnprivileged(t, helpSplit)
	if got := helper.line(); !strings.HasSuffix(got, ErrNoFrames.Error()) {
		t.Errorf("without CAP_SYS_ADMIN: %q, want %q", got, ErrNoFrames)
	}
}

func TestSplitOfWhoIsGone(t *testing.T) {
	zombie := startHelper(t, helpGrow)
	zombie.expect("ready")
	_ = zombie.input.Close()
	zombie.awaitZombie()
	want := ErrGone
	if os.Getuid() != 0 {
		want = os.ErrPermission // the files that not everybody may open are root's by then
	}
	if _, err := SplitPrivate(zombie.pid(), os.Getpid()); !errors.Is(err, want) {
		t.Errorf("a zombie: %v, want %v", err, want)
	}
	if _, err := SplitPrivate(os.Getpid(), zombie.pid()); !errors.Is(err, want) {
		t.Errorf("of a zombie: %v, want %v", err, want)
	}
	if err := zombie.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := SplitPrivate(zombie.pid(), os.Getpid()); !errors.Is(err, ErrGone) {
		t.Errorf("ended: %v, want ErrGone", err)
	}
	if _, err := SplitPrivate(os.Getpid(), zombie.pid()); !errors.Is(err, ErrGone) {
		t.Errorf("of who ended: %v, want ErrGone", err)
	}
}

func TestComparePages(t *testing.T) {
	const page = 4096
	const own = pagePresent | pageExclusive
	for _, test := range []struct {
		name         string
		mine, theirs uint64
		want         Split
	}{
		{"nothing", 0, pagePresent | 7, Split{}},
		{"swapped out", pageSwapped | pageExclusive | 7, pagePresent | 7, Split{}},
		{"a file's", own | pageFile | 7, 0, Split{}},
		{"the same frame", pagePresent | 7, pagePresent | 7, Split{Shared: page}},
		{"the same frame, huge and unsure", own | 7, pagePresent | 7, Split{Shared: page}},
		{"another frame", own | 8, pagePresent | 7, Split{Copied: page}},
		{"the parent's swapped out", own | 8, pageSwapped | 8, Split{Copied: page}},
		{"the parent has none", own | 8, 0, Split{New: page}},
		{"the parent has a file's", own | 8, pagePresent | pageFile | 7, Split{New: page}},
		{"a third has it", pagePresent | 8, pagePresent | 7, Split{}},
		{"a third has it, the parent none", pagePresent | 8, 0, Split{}},
	} {
		c := comparison{pageSize: page}
		if err := c.pages(entries(0, test.mine), entries(pagePresent|1, test.theirs)); err != nil || c.split != test.want {
			t.Errorf("%s: %+v, %v, want %+v", test.name, c.split, err, test.want)
		}
	}
	c := comparison{pageSize: page}
	if err := c.pages(entries(own), entries(0)); !errors.Is(err, ErrNoFrames) {
		t.Errorf("a page without a frame: %v", err)
	}
}

func entries(values ...uint64) []byte {
	var text []byte
	for _, value := range values {
		text = binary.NativeEndian.AppendUint64(text, value)
	}
	return text
}

// pageMap has the same for every page from first on until last, and counts its reads.
type pageMap struct {
	first, last uint64
	entry       uint64
	reads       *int
}

func (m pageMap) ReadAt(buffer []byte, offset int64) (int, error) {
	*m.reads++
	for at := 0; at < len(buffer); at += entrySize {
		page := (uint64(offset) + uint64(at)) / entrySize
		if page > m.last {
			return at, io.EOF
		}
		entry := m.entry
		if page < m.first {
			entry = 0
		}
		binary.NativeEndian.PutUint64(buffer[at:], entry)
	}
	return len(buffer), nil
}

func TestCompareMappingInChunks(t *testing.T) {
	const page, pages = 4096, 2*pagesAtOnce + 5
	const start = 0x7f00_0000_0000
	reads := 0
	mine := pageMap{last: 1 << 52, entry: pagePresent | pageExclusive | 9, reads: &reads}
	theirs := pageMap{first: start/page + pagesAtOnce + 3, last: 1 << 52, entry: pagePresent | 7, reads: &reads}
	c := comparison{mine: mine, theirs: theirs, pageSize: page}
	if err := c.mapping(mapping{start: start, end: start + pages*page}); err != nil {
		t.Fatal(err)
	}
	if want := (Split{New: (pagesAtOnce + 3) * page, Copied: (pagesAtOnce + 2) * page}); c.split != want || reads != 6 {
		t.Errorf("%+v in %d reads, want %+v in 6", c.split, reads, want)
	}
	theirs.last = start/page + pagesAtOnce
	c.theirs = theirs
	if err := c.mapping(mapping{start: start, end: start + pages*page}); !errors.Is(err, ErrGone) {
		t.Errorf("a page map that ends: %v", err)
	}
}
