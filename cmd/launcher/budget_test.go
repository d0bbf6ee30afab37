//go:build linux

package main

import (
	"fmt"
	"regexp"
	"strconv"
	"syscall"
	"testing"

	"launcher/preforker/core"
)

func TestMaxPrivateRefused(t *testing.T) {
	t.Parallel()
	refused{startOptions{root: copyApp(t, "leaky"), args: []string{"1", "--max-private", "20"}}, exitUsage,
		[]string{`read --max-private: "20" is not a size of memory`, `--max-private 20MB, auto or off`}}.run(t)
	refused{startOptions{root: copyApp(t, "leaky"), args: []string{"1"}, env: []string{"LAUNCHER_MAX_PRIVATE=lots"}}, exitUsage,
		[]string{`read LAUNCHER_MAX_PRIVATE: "lots"`, `auto or off`}}.run(t)
}

// TestBudgetLosesNoRequest: clients on every slot, of an application that leaks, while its workers are
// replaced again and again. Every request is answered, by as many workers as there were, and each
// is counted by one of them.
func TestBudgetLosesNoRequest(t *testing.T) {
	t.Parallel()
	const slots, rounds = 4, 3
	for name, option := range map[string][2]string{
		"max-private":  {"24MB", string(core.ReasonOverBudget)},
		"max-requests": {"30", string(core.ReasonManyRequests)},
	} {
		t.Run(name, func(t *testing.T) {
			in := start(t, startOptions{root: copyApp(t, "leaky"),
				args: []string{strconv.Itoa(slots), "--max-private", "off", "--" + name, option[0], "--log-level", "debug"}}).serving()
			left := fmt.Sprintf(`msg="worker left" slot=(\d) .* served=(\d+) private="(\d+) MB" reason="%s"`, option[1])
			clients := visit(2*slots, "/?kilobytes=32", in.sockets(slots)...)
			in.waitLines(left, slots*rounds)
			pids := clients.end(t, 0)
			replaced := in.count(left)

			answered := 0
			for _, n := range clients.answers {
				answered += n
			}
			in.signal(syscall.SIGTERM)
			if status := in.wait(); status != exitOK {
				t.Errorf("exit status %d", status)
			}
			served, bySlot := 0, map[string]int{}
			for _, match := range regexp.MustCompile(`msg="worker left" slot=(\d) .* served=(\d+)`).FindAllStringSubmatch(in.log(), -1) {
				n, _ := strconv.Atoi(match[2])
				served += n
				bySlot[match[1]]++
			}
			if served != answered {
				t.Errorf("%d requests were served, %d answered", served, answered)
			}
			if len(pids) < replaced || len(bySlot) != slots {
				t.Errorf("%d workers answered, %d were replaced, by slot %v", len(pids), replaced, bySlot)
			}
			if n := in.count("worker died|slot waits|level=ERROR"); n != 0 {
				t.Errorf("%d lines of trouble", n)
			}
			for _, match := range regexp.MustCompile(left).FindAllStringSubmatch(in.log(), -1) {
				if name == "max-private" && match[3] > "48" { // two digits; a machine that is busy with others is late
					t.Errorf("a worker had %s MB", match[3])
				}
			}
			t.Logf("%d requests, %d workers replaced, by slot %v", answered, replaced, bySlot)
		})
	}
}

// TestBudgetLetsALongRequestEnd: its worker is replaced while it runs, and takes as long as it likes.
func TestBudgetLetsALongRequestEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := start(t, startOptions{root: copyApp(t, "leaky"), env: []string{"LEAKY_GATES=" + dir},
		args: []string{"1", "--max-private", "24MB", "--drain-timeout", "50ms"}}).serving()
	old := in.worker(0)
	for range 10 {
		if a := ask(t, in.socket(0), "/"); a.pid() != old {
			t.Fatalf("%v", a)
		}
	}
	long := queue(t, in.socket(0), "/?kilobytes=40000&gate=go")
	in.waitLine(`msg="worker was replaced and still finishes its last request" slot=0 gen=1 pid=` + strconv.Itoa(old) + ` reason="over budget"`)
	if a := ask(t, in.socket(0), "/"); a.status != 200 || a.pid() == old {
		t.Errorf("the successor: %v", a)
	}
	openGate(t, dir, "go")
	if a := long.answer(); a.status != 200 || a.pid() != old {
		t.Errorf("the long request: %v", a)
	}
}

// TestBudgetOneGreedyRequest: its worker leaves right after it, though it has served no other.
func TestBudgetOneGreedyRequest(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "leaky"), args: []string{"1", "--max-private", "24MB", "--log-level", "debug"}}).serving()
	old := in.worker(0)
	if a := ask(t, in.socket(0), "/?kilobytes=200000"); a.status != 200 || a.pid() != old {
		t.Fatalf("%v", a)
	}
	in.waitLine(`msg="worker left" slot=0 gen=1 pid=` + strconv.Itoa(old) + ` .* served=1 .* reason="over budget"`)
	if a := ask(t, in.socket(0), "/"); a.status != 200 || a.pid() == old {
		t.Errorf("the successor: %v", a)
	}
}

func TestBudgetOffReplacesNobody(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "leaky"), args: []string{"1", "--max-private", "off", "--log-level", "debug"}}).serving()
	old := in.worker(0)
	for range 200 {
		if a := ask(t, in.socket(0), "/?kilobytes=512"); a.pid() != old {
			t.Fatalf("%v, want worker %d", a, old)
		}
	}
	if n := in.count("memory at most|over budget"); n != 0 {
		t.Errorf("%d lines of a budget", n)
	}
}

// TestBudgetBoundsMemory as it is logged at start, and is given up with a warning where nothing can keep it.
func TestBudgetBoundsMemory(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "leaky"), args: []string{"3", "--max-private", "2M", "--spare", "0"}}).serving()
	match := in.waitLine(`msg="memory at most: preloader \+ workers \* each \+ launcher" gen=1 preloader="(\d+) MB" workers=3 each="2 MB" launcher="(\d+) MB" total="(\d+) MB"`)
	sum := 3 * 2
	for _, part := range match[1:3] {
		n, _ := strconv.Atoi(part)
		sum += n
	}
	if total, _ := strconv.Atoi(match[3]); total < sum-2 || total > sum+2 {
		t.Errorf("%s: want about %d", match[0], sum)
	}
	clients := visit(3, "/?kilobytes=64", in.sockets(3)...)
	in.waitLine(`level=WARN msg="the budget of a worker is too small to be kept.* sensible="\d+ MB"`)
	clients.end(t, 0)
}
