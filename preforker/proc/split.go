//go:build linux

package proc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrNoFrames is a kernel that hides which frames of memory the pages are in, which it does
// from all who lack CAP_SYS_ADMIN in the first user namespace (Linux 4.2).
var ErrNoFrames = errors.New("page frames are hidden without CAP_SYS_ADMIN")

// Split is the anonymous memory of a process that was forked from another, in bytes.
type Split struct {
	// Copied pages are its own alone, and the parent has an anonymous page at the same
	// address, in memory or swapped out. Which of the two wrote to it is not known.
	Copied uint64
	// New pages are its own alone, and the parent has none there, or a file's.
	New uint64
	// Shared pages are the parent's own. A page that both have only read and nobody has
	// ever written is the kernel's page of zeros, and counts although it costs nothing.
	Shared uint64
}

// Bits of an entry of /proc/PID/pagemap: Documentation/admin-guide/mm/pagemap.rst.
const (
	pagePresent   = 1 << 63
	pageSwapped   = 1 << 62
	pageFile      = 1 << 61 // of a file, or shared memory
	pageExclusive = 1 << 56 // mapped once (Linux 4.2)
	pageFrame     = 1<<55 - 1
	entrySize     = 8
)

// pagesAtOnce bounds a read of a page map: 64 kB for 32 MB of addresses.
const pagesAtOnce = 8192

// SplitPrivate splits the anonymous pages that pid has in memory by what parent, which it
// was forked from, has at the same addresses. Pages that a third process maps as well, a
// sibling or a child, are in none of the three.
//
// It is a picture of two moving things: pages written between the reading of one and the
// other count as they were found, mappings that leave midway are skipped, and what parent
// unmapped and mapped again since the fork passes for what was forked. A huge page tells for
// all of its pages at once whether it is exclusive, and a kernel built with
// CONFIG_NO_PAGE_MAPCOUNT (6.15) only estimates it. If one of the two ends, it is ErrGone.
func SplitPrivate(pid, parent int) (Split, error) {
	split, err := splitPrivate(pid, parent)
	if err != nil {
		return Split{}, fmt.Errorf("split memory of process %d, forked from %d: %w", pid, parent, gone(err, "pagemap"))
	}
	return split, nil
}

func splitPrivate(pid, parent int) (Split, error) {
	// Open files below the folder stay with this process, whoever gets its pid later.
	folder, err := os.OpenRoot(fmt.Sprintf("/proc/%d", pid))
	if err != nil {
		return Split{}, err
	}
	defer folder.Close()
	smaps, err := folder.Open("smaps")
	if err != nil {
		return Split{}, err
	}
	defer smaps.Close()
	mine, err := folder.Open("pagemap")
	if err != nil {
		return Split{}, err
	}
	defer mine.Close()
	theirs, err := os.Open(procPath(parent, "pagemap"))
	if err != nil {
		return Split{}, err
	}
	defer theirs.Close()
	mappings, err := parseMappings(smaps)
	if err != nil {
		return Split{}, err
	}
	c := comparison{mine: mine, theirs: theirs, pageSize: uint64(os.Getpagesize())}
	for _, m := range mappings {
		if err := c.mapping(m); err != nil {
			return Split{}, err
		}
	}
	return c.split, nil
}

// comparison is two page maps and what was found in them so far.
type comparison struct {
	mine, theirs io.ReaderAt
	pageSize     uint64
	split        Split
	buffers      [2][pagesAtOnce * entrySize]byte
}

func (c *comparison) mapping(m mapping) error {
	end := m.end / c.pageSize
	for page := m.start / c.pageSize; page < end; page += pagesAtOnce {
		length := min(end-page, pagesAtOnce) * entrySize
		mine, theirs := c.buffers[0][:length], c.buffers[1][:length]
		if err := readEntries(c.mine, mine, page); err != nil {
			return err
		}
		if err := readEntries(c.theirs, theirs, page); err != nil {
			return err
		}
		if err := c.pages(mine, theirs); err != nil {
			return err
		}
	}
	return nil
}

// readEntries reads the entries from a page on. There is one for every page that a process
// could have, all zero where nothing is mapped, so the file only ends with the process.
func readEntries(pagemap io.ReaderAt, entries []byte, page uint64) error {
	_, err := pagemap.ReadAt(entries, int64(page*entrySize))
	if errors.Is(err, io.EOF) {
		return ErrGone
	}
	return err
}

func (c *comparison) pages(mine, theirs []byte) error {
	for at := 0; at < len(mine); at += entrySize {
		entry := binary.NativeEndian.Uint64(mine[at:])
		if entry&pagePresent == 0 || entry&pageFile != 0 {
			continue
		}
		frame := entry & pageFrame
		if frame == 0 { // the first frame is the firmware's
			return ErrNoFrames
		}
		other := binary.NativeEndian.Uint64(theirs[at:])
		switch {
		case other&pagePresent != 0 && other&pageFrame == frame:
			c.split.Shared += c.pageSize
		case entry&pageExclusive == 0:
		case other&(pagePresent|pageSwapped) != 0 && other&pageFile == 0:
			c.split.Copied += c.pageSize
		default:
			c.split.New += c.pageSize
		}
	}
	return nil
}
