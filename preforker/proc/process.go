//go:build linux

package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"launcher/preforker/printable"
)

// Process is a line of /proc/PID/stat. Pid and Start together name a process: a pid is
// given again to another, but not within the same hundredth of a second.
type Process struct {
	Pid    int
	Parent int // 0 for the first process, and for one whose parent is outside its container
	// Group and Session are what setpgid(2) and setsid(2) have made, by the pid of who leads them.
	Group, Session int
	Start          uint64 // in clock ticks (1/100 s) since the machine started
	State          byte   // R S D Z T t X I, as in proc(5)
	Comm           string // what the kernel calls it: any bytes, 15 of them for a program
	// Faults is how many times it touched a page that its page tables did not have or
	// did not let it write, since it was forked. A process cannot copy a shared page or
	// get a new one without a fault, so from one reading of its private memory to the
	// next that grew by no more than the faults times the size of a page, and where they
	// have hardly moved another reading is saved. Not in it: a huge page, or several pages
	// of a file, can come with one fault, and a shared page becomes private with none when
	// the last of the others lets go of it.
	Faults uint64
	// Resident is what of its memory is there, in bytes, whoever else maps it. The kernel counts it by parts, and may be
	// some hundred kB off.
	Resident uint64
	// CPU is the time that its threads have had, also those that have ended, in user mode and in the kernel, to a hundredth of a second.
	CPU time.Duration
}

// stateZombie is a process that has ended and was not waited for yet.
const stateZombie = 'Z'

// Zombie tells that it has ended.
func (p Process) Zombie() bool { return p.State == stateZombie }

// maxStat has room for 52 numbers of 20 digits and the name.
const maxStat = 2 << 10

// ProcessOf reads one process. A zombie is one.
func ProcessOf(pid int) (Process, error) {
	var buffer [maxStat]byte
	p, err := readProcess(pid, buffer[:])
	if err != nil {
		return Process{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	return p, nil
}

func readProcess(pid int, buffer []byte) (Process, error) {
	text, err := readWhole(procPath(pid, "stat"), buffer)
	if err != nil {
		return Process{}, gone(err, "stat")
	}
	return ParseStat(text)
}

// The numbers of the fields of /proc/PID/stat, as in proc(5).
const (
	statState   = 3
	statParent  = 4
	statGroup   = 5
	statSession = 6
	statMinor   = 10 // page faults without a disk
	statMajor   = 12 // and with one
	statUser    = 14 // time, in clock ticks
	statSystem  = 15
	statStart   = 22
	statRSS     = 24 // pages
)

// clockTick is the same on all machines (USER_HZ).
const clockTick = time.Second / 100

// ParseStat reads the text of /proc/PID/stat. The name stands in parentheses and may itself
// have blanks, line ends and parentheses; no field after it has, so it ends at the last one.
// A process that was reaped while the kernel wrote the text is ErrGone.
func ParseStat(text []byte) (Process, error) {
	head, _, opened := bytes.Cut(text, []byte(" ("))
	closing := bytes.LastIndexByte(text, ')')
	if !opened || closing < len(head)+2 {
		return Process{}, errors.New("parse stat: no name in parentheses")
	}
	p := Process{Comm: string(text[len(head)+2 : closing])}
	pid, err := strconv.ParseUint(string(head), 10, 31)
	if err != nil {
		return Process{}, fmt.Errorf("parse stat: pid: %w", err)
	}
	p.Pid = int(pid)
	rest := text[closing+1:]
	for number := statState; number <= statRSS; number++ {
		var value []byte
		value, rest, _ = bytes.Cut(bytes.TrimLeft(rest, " "), []byte{' '})
		if err := p.set(number, value); err != nil {
			return Process{}, fmt.Errorf("parse stat: field %d: %w", number, err)
		}
	}
	return p, nil
}

func (p *Process) set(number int, value []byte) error {
	bits := 64
	switch number {
	case statState:
		if len(value) != 1 {
			return fmt.Errorf("state %.20q is not a letter", string(value))
		}
		p.State = value[0]
		return nil
	case statGroup, statSession:
		// What no process has: the kernel found none any more (do_task_stat in fs/proc/array.c).
		if string(value) == "-1" {
			return ErrGone
		}
		bits = 31
	case statParent:
		bits = 31
	case statUser, statSystem:
		bits = 39 // 174 years
	case statMinor, statMajor, statStart, statRSS:
	default:
		return nil
	}
	n, err := strconv.ParseUint(string(value), 10, bits)
	switch number {
	case statParent:
		p.Parent = int(n)
	case statGroup:
		p.Group = int(n)
	case statSession:
		p.Session = int(n)
	case statMinor, statMajor:
		p.Faults += n
	case statUser, statSystem:
		p.CPU += time.Duration(n) * clockTick
	case statStart:
		p.Start = n
	case statRSS:
		p.Resident = n * uint64(os.Getpagesize())
	}
	return err
}

// maxTitle is how long a title may be, in bytes: a line of a table.
const maxTitle = 120

// Title is what a process calls itself: its command line or what it wrote over that, cut,
// or its name in brackets where it has none, as for a zombie. "" where it is gone or hidden.
func Title(pid int) string {
	// Four times as much, since what a title leaves out may be most of it.
	var buffer [4 * maxTitle]byte
	text, err := readStart(procPath(pid, "cmdline"), buffer[:])
	if err != nil {
		return ""
	}
	if title := cleanTitle(string(text), maxTitle); title != "" {
		return title
	}
	p, err := ProcessOf(pid)
	if err != nil {
		return ""
	}
	return "[" + cleanTitle(p.Comm, maxTitle) + "]"
}

// cleanTitle makes a line of text that is safe to print: a process chooses its title itself.
// Arguments end with a NUL, and Ruby's setproctitle fills up with them.
func cleanTitle(text string, length int) string {
	return strings.TrimSpace(printable.Cut(strings.TrimSpace(printable.Mask(text, ' ')), length))
}
