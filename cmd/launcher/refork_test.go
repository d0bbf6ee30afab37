//go:build linux

package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"launcher/preforker/proc"
)

// TestReforkOfTheBlog: nothing is chosen, the blog is asked for its pages all the time, and no request fails.
func TestReforkOfTheBlog(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "blog"), args: []string{"4", "--seed-time", "0"}, defaults: true}).serving()
	visitors := visit(4, "/posts", in.sockets(4)...)
	if arrived := in.waitLine(lineArrived); arrived[1] != "1" {
		t.Errorf("refork %s is the first one", arrived[1])
	}
	if len(visitors.end(t, 0)) == 0 {
		t.Error("nobody asked")
	}
	if rows := ask(t, in.socket(0), "/rows?token=x").body; !strings.Contains(rows, `"read":"x"`) {
		t.Errorf("/rows returns %s", rows)
	}
	in.quiet()
}

// TestReforkSavesMemory: the workers have less of their own after the same requests.
func TestReforkSavesMemory(t *testing.T) {
	t.Parallel()
	const workers, requests = 3, 30
	in := reforking(t, copyApp(t, "blog"), strconv.Itoa(requests+1), workers)
	sum := func() (private uint64) {
		for slot := range workers {
			for range requests {
				if a := ask(t, in.socket(slot), "/posts"); a.err != nil || a.status != 200 {
					t.Fatalf("%v", a)
				}
			}
			usage, err := proc.Of(in.worker(slot))
			if err != nil {
				t.Fatal(err)
			}
			private += usage.Private
		}
		return private
	}
	before := sum()
	if a := ask(t, in.socket(1), "/posts"); a.status != 200 {
		t.Fatalf("%v", a)
	}
	in.waitLine(lineReforked)
	visitors := visit(1, "/posts", in.sockets(workers)...)
	in.waitLine(lineArrived)
	visitors.end(t, 0)
	in.all("gen=1 refork=1", workers)
	after := sum()
	t.Logf("%d workers had %d kB of their own, and have %d kB", workers, before>>10, after>>10)
	if after*10 > before*8 {
		t.Errorf("%d workers had %d kB of their own, and have %d kB", workers, before>>10, after>>10)
	}
	in.quiet()
}

func TestReforkNever(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, ""), "never", 2)
	in.all("gen=1", 2)
	before := in.titled("launcher ")
	in.warm(0, 200)
	in.warm(1, 200)
	in.all("gen=1", 2)
	if after := in.titled("launcher "); !slices.EqualFunc(before, after, func(a, b process) bool { return a.pid == b.pid }) {
		t.Errorf("the processes were %+v and are %+v", before, after)
	}
	if n := in.count("refork"); n != 0 {
		t.Errorf("%d lines about it", n)
	}
}

// TestReforkList: each number counts the requests of one worker, and a refork has what was served.
func TestReforkList(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, ""), "5,20", 2)
	in.warm(1, 5)
	in.waitLine(lineReforked)
	in.forks(0, "gen=1 refork=1")
	if a := ask(t, in.socket(0), "/"); !a.is("6") {
		t.Errorf("the first: %v", a)
	}
	in.waitLine(lineArrived)
	in.all("gen=1 refork=1", 2)
	for want := range 20 {
		if a := ask(t, in.socket(1), "/"); !a.is(strconv.Itoa(want + 6)) {
			t.Errorf("in slot 1, after %d: %v", want, a)
		}
	}
	in.waitLines(lineReforked, 2)
	in.forks(0, "gen=1 refork=2")
	in.warm(0, 1)
	in.waitLines(lineArrived, 2)
	in.all("gen=1 refork=2", 2)
	if a := ask(t, in.socket(1), "/"); !a.is("26") {
		t.Errorf("the last: %v", a)
	}
	in.quiet()
	if ran := bye(t, in.root); len(ran) != 1 || ran[0] != in.waitLines(lineReforked, 2)[2] {
		t.Errorf("exit handlers ran in %q", ran)
	}
}
