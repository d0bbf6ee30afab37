//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// TestReforkDeclined by auto, where requests made what would not survive. Who chooses himself is not asked.
func TestReforkDeclined(t *testing.T) {
	t.Parallel()
	for what, action := range map[string]string{
		"socket": "$kept ||= UNIXSocket.pair",
		"thread": "$kept ||= Thread.new { sleep }",
	} {
		t.Run(what, func(t *testing.T) {
			root := countingApp(t, `"/keep" => -> { `+action+` }`)
			in := reforking(t, root, "auto", 2)
			for _, socket := range in.sockets(2) {
				ask(t, socket, "/keep")
			}
			in.warm(0, 20)
			in.waitLine(`level=INFO msg="no refork of this worker: it has what others must not inherit; another one is tried later" gen=1 refork=1 slot=0`)
			in.waitLine(`level=INFO msg="in the way of a refork: a worker (opened a socket|started a thread) .*gen=1 kind=` + what)
			in.warm(1, 100)
			in.all("gen=1", 2)
			in.quiet()

			in = reforking(t, root, "10", 2)
			ask(t, in.socket(0), "/keep")
			in.tried(10)
		})
	}
}

// TestReforkTriesAnother: a thread that one mail has left behind is in one worker alone.
func TestReforkTriesAnother(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, `"/mail" => -> { $mail ||= Thread.new { sleep } }`), "auto", 2)
	ask(t, in.socket(0), "/mail")
	in.warm(0, 15)
	in.waitLine(`level=INFO msg="no refork of this worker: it has what others must not inherit; another one is tried later" gen=1 refork=1 slot=0`)
	in.warm(1, 15)
	in.waitLine(`msg="refork asked for" slot=1 gen=1`)
	in.waitLine(lineReforked)
}

// TestReforkHandsOnNoState: what a request does to its process ends with that process.
func TestReforkHandsOnNoState(t *testing.T) {
	t.Parallel()
	root := countingApp(t, `"/change" => -> { Dir.chdir("/"); File.umask(0); ENV["CHANGED"] = "yes"; Signal.trap("USR1") {} },
		"/same" => -> { raise "changed" unless [Dir.pwd, File.umask, ENV["CHANGED"], Signal.trap("USR1", "DEFAULT")] == BOOT }`)
	config := filepath.Join(root, "config.ru")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	text = append([]byte("BOOT = [Dir.pwd, File.umask, nil, 'DEFAULT']\n"), text...)
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	in := reforking(t, root, "10", 2)
	if a := ask(t, in.socket(0), "/same"); a.status != 200 {
		t.Fatalf("%v", a)
	}
	ask(t, in.socket(0), "/change")
	in.tried(10)
	// Its folder is another one by now, by which tried does not know it.
	in.waitLine(`msg="worker left" slot=0 gen=1 .*reason="replaced by a fork of a warm worker"`) // and not of what was prepared
	for slot := range 2 {
		in.warm(slot, 1)
	}
	in.waitLine(lineArrived)
	for slot := range 2 {
		if a := ask(t, in.socket(slot), "/same"); a.status != 200 {
			t.Errorf("slot %d: %v", slot, a)
		}
	}
}

// TestReforkPassesOverTheUnfit: others may be the origin.
func TestReforkPassesOverTheUnfit(t *testing.T) {
	t.Parallel()
	in := reforking(t, countingApp(t, `"/camera" => -> { PreforkLauncher.unfit_for_refork!("it has opened the camera") }`), "auto", 2)
	ask(t, in.socket(0), "/camera")
	in.warm(0, 15)
	in.waitLine(`level=INFO msg="worker is passed over for a refork: the application says so: it has opened the camera" slot=0 gen=1 pid=` + strconv.Itoa(in.worker(0)))
	in.warm(1, 15)
	in.forks(0, "gen=1 refork=2")
	in.warm(0, 1)
	in.waitLine(lineArrived)
	in.all("gen=1 refork=2", 2)
	in.quiet()
}
