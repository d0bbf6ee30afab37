package preforker

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"launcher/preforker/core"
	"launcher/preforker/ident"
)

// told is the line of a fact: "WARN the text[slot=1 gen=2]".
func told(fact core.Fact) string {
	level, text, attrs := lineOf(fact)
	if text == "" {
		return ""
	}
	return fmt.Sprint(level, " ", text, attrs)
}

// TestEachFactHasItsLine: a fact that the log should not have says so here.
func TestEachFactHasItsLine(t *testing.T) {
	origin, reforked := ident.Origin{Generation: 2}, ident.Origin{Generation: 2, Refork: 1}
	worker := core.WorkerName{Key: ident.Key{Slot: 1, Generation: 2, Refork: 1, Serial: 9}, Pid: 77}
	unseen := core.WorkerName{Key: ident.Key{Slot: 3, Generation: 2}}
	spare := core.WorkerName{Key: ident.Key{Slot: ident.NoSlot, Generation: 2}, Pid: 78}
	killed := ident.ExitStatus{Signal: 9}
	failure := core.Failure{Class: "KeyError", Message: "no key", AppFrames: []string{"config.ru:1"}}
	failed := &core.Failed{Stage: "load", Failure: failure}
	load := core.Load{Pid: 70, Ruby: "3.1.2", Rails: "6.1", Seconds: 1.5}
	thread := core.Finding{Kind: "thread", Text: "boot started a thread", Where: "lib/a.rb:3", Advice: "start it later"}
	bound := core.MemoryBound{Total: 100 * mB, Preloader: 60 * mB, Workers: 2, Each: 15 * mB, Launcher: 10 * mB}
	seen := map[string]bool{}
	for _, test := range []struct {
		fact core.Fact
		want string
	}{
		{core.LoadBegan{Generation: 2}, ""},
		{core.PreloaderLoads{Origin: origin, Pid: 70, Ruby: "3.1.2"}, "INFO preloader is loading the application[gen=2 pid=70 ruby=3.1.2]"},
		{core.WorkerLoads{Worker: worker, Ruby: "3.1.2"}, "INFO worker is loading the application[slot=1 gen=2 refork=1 pid=77 ruby=3.1.2]"},
		{core.GenerationLoaded{Origin: origin, Load: load}, "INFO preloader loaded the application[gen=2 pid=70 seconds=1.5 ruby=3.1.2 rails=6.1]"},
		{core.GenerationLoaded{Origin: origin, Worker: &worker, Load: load},
			"INFO worker loaded the application[slot=1 gen=2 refork=1 pid=77 seconds=1.5 ruby=3.1.2 rails=6.1]"},
		{core.MemoryPrepared{Origin: origin, Seconds: 0.5}, "INFO preloader has prepared what keeps memory shared[gen=2 seconds=0.5]"},
		{core.PreparationTimedOut{Origin: origin, Timeout: time.Minute}, "ERROR preloader has not prepared what keeps memory shared in time, and is killed[gen=2 timeout=1m0s]"},
		{core.FindingMade{Generation: 2, Finding: thread}, "WARN boot started a thread[gen=2 kind=thread where=lib/a.rb:3 advice=start it later]"},
		{core.FindingMade{Generation: 2, Finding: core.Finding{Kind: "socket", Text: "boot opened a socket"}}, "WARN boot opened a socket[gen=2 kind=socket]"},
		{core.LoadFailed{Failure: core.LoadFailure{Generation: 3, Was: core.LoadingPreloader, Failed: &core.Failed{Failure: core.Failure{Class: "SyntaxError", Message: "x"}}}},
			"ERROR generation failed to load; the workers that are there serve on[gen=3 error=load the application: SyntaxError: x advice=mend the file and line that the message names; it may be written for a newer Ruby (--ruby)]"},
		{core.LoadWaits{Generation: 3, Wait: time.Second}, "WARN the next load waits[gen=3 wait=1s]"},
		{core.PreloaderRetired{Origin: reforked}, "INFO preloader retired[gen=2 refork=1]"},
		{core.PreloaderLeft{Origin: origin, Exit: killed}, "INFO preloader exited[gen=2 exit=signal SIGKILL]"},
		{core.PreloaderDied{Origin: origin, Exit: killed, Failed: failed}, "ERROR preloader died; its workers serve on[gen=2 exit=signal SIGKILL error=KeyError: no key at config.ru:1]"},
		{core.PreloaderDied{Origin: origin, Exit: killed, Reason: core.ReasonOutOfMemory}, "ERROR preloader died; its workers serve on[gen=2 exit=signal SIGKILL reason=ended by the kernel, as memory was short]"},
		{core.PreloaderContinued{Origin: origin}, "WARN preloader was stopped by a signal and is continued[gen=2]"},

		{core.WorkerServes{Worker: worker, After: 1500 * time.Millisecond}, "INFO worker is ready[slot=1 gen=2 refork=1 pid=77 seconds=1.5]"},
		{core.WorkerServes{Worker: worker, Renewal: true}, "DEBUG worker is ready[slot=1 gen=2 refork=1 pid=77 seconds=0]"},
		{core.WorkerNotStarted{Worker: unseen, Failure: failure}, "ERROR worker could not be started[slot=3 gen=2 error=KeyError: no key at config.ru:1]"},
		{core.WorkerBootTimedOut{Worker: worker, State: core.BootingWorker, Timeout: time.Minute}, "ERROR worker was not ready in time and is killed[slot=1 gen=2 refork=1 pid=77 state=booting timeout=1m0s]"},
		{core.WorkerDrainTimedOut{Worker: worker, Timeout: time.Minute}, "WARN worker did not drain in time and is killed[slot=1 gen=2 refork=1 pid=77 timeout=1m0s]"},
		{core.WorkerFinishesLate{Worker: worker, Reason: core.ReasonUnbound, Timeout: time.Minute},
			"WARN worker was replaced and still finishes its last request[slot=1 gen=2 refork=1 pid=77 reason=its socket was removed timeout=1m0s]"},
		{core.WorkerLeavesUnasked{Worker: worker}, "INFO worker leaves by itself[slot=1 gen=2 refork=1 pid=77]"},
		{core.WorkerLeft{Worker: worker, Reason: core.ReasonRolled, Served: 4}, "INFO worker left[slot=1 gen=2 refork=1 pid=77 exit=exit status 0 served=4 reason=replaced by a newer generation]"},
		{core.WorkerLeft{Worker: worker, Reason: core.ReasonOverBudget, Exit: killed, Served: 4, Request: "GET /", Private: 21 * mB},
			"ERROR worker died[slot=1 gen=2 refork=1 pid=77 exit=signal SIGKILL served=4 private=21 MB request=GET / reason=over budget]"},
		{core.WorkerLeft{Worker: worker, Reason: core.ReasonOverBudget, Served: 4, Private: 21 * mB},
			"DEBUG worker left[slot=1 gen=2 refork=1 pid=77 exit=exit status 0 served=4 private=21 MB reason=over budget]"},
		{core.WorkerLeft{Worker: worker, Reason: core.ReasonOverBudget, Exit: killed, Private: 21 * mB},
			"INFO worker left[slot=1 gen=2 refork=1 pid=77 exit=signal SIGKILL served=0 private=21 MB reason=over budget]"},
		{core.WorkerDied{Worker: worker, Reason: core.ReasonCrashed, Exit: killed, Served: 4, Request: "GET /crash"},
			"ERROR worker died[slot=1 gen=2 refork=1 pid=77 exit=signal SIGKILL served=4 request=GET /crash reason=crashed]"},
		{core.WorkerDied{Worker: worker, Reason: core.ReasonBootFailed, Exit: ident.ExitStatus{Code: 1}, Failed: failed},
			"ERROR worker died[slot=1 gen=2 refork=1 pid=77 exit=exit status 1 served=0 error=KeyError: no key at config.ru:1 reason=boot failed]"},
		{core.ScaleBegan{By: "TTIN", From: 2, To: 3}, "INFO the number of workers changes[by=TTIN workers=3 before=2]"},
		{core.ScaleIgnored{By: "TTOU", Slots: 1}, "INFO the number of workers is that already[by=TTOU workers=1]"},
		{core.ScaleIgnored{By: "TTOU", Slots: 1, Stopping: true}, "WARN the number of workers stays: the launcher is stopping[by=TTOU]"},
		{core.ScaleCompleted{Slots: 3}, "INFO the number of workers has changed[workers=3]"},
		{core.SlotWoken{Slot: 2}, "DEBUG a connection waits at a parked slot[slot=2]"},
		{core.SlotParked{Worker: worker, Idle: time.Minute, Served: 9},
			"DEBUG an idle worker leaves, and its slot is parked[slot=1 gen=2 refork=1 pid=77 wait=1m0s served=9]"},
		{core.WorkerLost{Worker: unseen, Reason: core.ReasonLost}, "WARN worker was lost[slot=3 gen=2 reason=its preloader died while forking it]"},
		{core.WorkerKilled{Worker: worker, Reason: core.ReasonStopping}, "WARN worker is killed[slot=1 gen=2 refork=1 pid=77 reason=stopping]"},
		{core.RequestTimedOut{Worker: worker, Request: "GET /slow", After: time.Minute},
			"ERROR request has not begun its response in time: its worker has to end (--request-timeout)[slot=1 gen=2 refork=1 pid=77 request=GET /slow seconds=60]"},
		{core.RequestSlow{Worker: worker, Request: "GET /slow", After: time.Second},
			"WARN request takes long (--slow-log)[slot=1 gen=2 refork=1 pid=77 request=GET /slow seconds=1]"},
		{core.MemoryExceeded{Worker: worker, Request: "GET /grow", Private: 101 * mB, Limit: 100 * mB},
			"ERROR worker has more memory of its own than it may, and has to end (--memory-limit)[slot=1 gen=2 refork=1 pid=77 private=101 MB limit=100 MB request=GET /grow]"},
		{core.MemoryExceeded{Worker: worker, Private: 101 * mB, Limit: 100 * mB},
			"ERROR worker has more memory of its own than it may, and has to end (--memory-limit)[slot=1 gen=2 refork=1 pid=77 private=101 MB limit=100 MB]"},
		{core.ThreadLocated{Worker: worker, Thread: core.Thread{Name: "serving", State: "sleep"}},
			"ERROR backtrace of a thread[slot=1 gen=2 refork=1 pid=77 thread=serving state=sleep]"},
		{core.ThreadLocated{Worker: worker, Thread: core.Thread{Name: "serving", State: "run"}, Slow: true},
			"WARN backtrace of a thread[slot=1 gen=2 refork=1 pid=77 thread=serving state=run]"},
		{core.ThreadsLeftOut{Worker: worker, Threads: 3},
			"WARN backtraces are left out: there were too many in the last seconds[slot=1 gen=2 refork=1 pid=77 threads=3]"},
		{core.WorkerNotLocated{Worker: worker},
			"ERROR no backtrace could be had: Ruby does not run in the worker, which hangs in C or is stopped[slot=1 gen=2 refork=1 pid=77]"},
		{core.RecycleAsked{Worker: worker, Why: "it has grown"},
			"INFO worker is to be replaced: the application asks for it[slot=1 gen=2 refork=1 pid=77 reason=it has grown]"},
		{core.SpareTakesNoSlot{Worker: worker},
			"ERROR spare worker does not take the slot that it was given, and is killed[slot=1 gen=2 refork=1 pid=77]"},
		{core.WorkerServesNobody{Worker: worker, Waiting: 3}, "ERROR worker takes none of the connections that wait for it, and is killed[slot=1 gen=2 refork=1 pid=77 waiting=3]"},
		{core.WorkerStays{Worker: worker, Reason: core.ReasonRolled}, "ERROR worker does not leave, and is killed[slot=1 gen=2 refork=1 pid=77 reason=replaced by a newer generation]"},
		{core.WorkerUnreachable{Worker: worker}, "ERROR worker has closed its channel but not ended, as with exec, and is killed[slot=1 gen=2 refork=1 pid=77]"},
		{core.WorkerContinued{Worker: worker, Request: "GET /x"}, "WARN worker was stopped by a signal and is continued[slot=1 gen=2 refork=1 pid=77 request=GET /x]"},
		{core.WorkerContinued{Worker: worker}, "WARN worker was stopped by a signal and is continued[slot=1 gen=2 refork=1 pid=77]"},

		{core.SlotWaits{Slot: 1, Deaths: 3, Wait: 6756836015}, "WARN slot waits before its next worker[slot=1 deaths=3 wait=6.757s]"},
		{core.SlotWaits{Slot: 1, Deaths: 3, Wait: time.Second}, "WARN slot waits before its next worker[slot=1 deaths=3 wait=1s]"},
		{core.SlotWaits{Slot: 1, Deaths: 3, Wait: time.Second, Unbound: true}, "DEBUG slot waits before its next worker[slot=1 deaths=3 wait=1s]"},
		{core.SlotFailed{Slot: 1, Deaths: 10, Wait: 5 * time.Minute, Death: core.Death{Worker: worker, Reason: core.ReasonBootFailed, Exit: ident.ExitStatus{Code: 1},
			Failed: failed, Lines: []string{"no database"}}},
			"ERROR slot has failed: its workers die before they serve anything, one after the other[slot=1 deaths=10 wait=5m0s gen=2 refork=1 pid=77 reason=boot failed " +
				"exit=exit status 1 error=KeyError: no key at config.ru:1 backtrace=[config.ru:1] lines=[no database] advice=" + failedAdvice + "]"},
		{core.SlotFailed{Slot: 1, Deaths: 11, Wait: time.Minute, Death: core.Death{Worker: worker, Reason: core.ReasonCrashed, Exit: killed, Request: "GET /x"}, Again: true, Served: true},
			"DEBUG slot has failed: its new workers die before they serve anything, one after the other; the older one serves on[slot=1 deaths=11 wait=1m0s gen=2 refork=1 " +
				"pid=77 reason=crashed exit=signal SIGKILL request=GET /x advice=" + failedAdvice + "]"},
		{core.SlotRecovered{Worker: worker, After: time.Minute}, "INFO slot has recovered: its worker has come up[slot=1 gen=2 refork=1 pid=77 seconds=60]"},
		{core.GenerationFailed{Failure: core.LoadFailure{Generation: 9, Was: core.ReadyPreloader, Exit: killed, Failed: failed}, Failures: 8, Wait: time.Minute, Served: true},
			"ERROR generation has failed: the application does not load, again and again; the workers that are there serve on[gen=9 failures=8 wait=1m0s " +
				"error=the preloader has loaded the application and died: signal SIGKILL: KeyError: no key at config.ru:1 advice=" + failedAdvice + "]"},
		{core.GenerationFailed{Failure: core.LoadFailure{Generation: 9, Was: core.LoadingPreloader, Failed: failed}, Failures: 9, Wait: time.Minute, Again: true},
			"DEBUG generation has failed: the application does not load, again and again; no worker serves[gen=9 failures=9 wait=1m0s " +
				"error=load the application: KeyError: no key advice=" + failedAdvice + "]"},
		{core.LoadWaits{Generation: 3, Wait: time.Second, Failed: true}, "DEBUG the next load waits[gen=3 wait=1s]"},
		{core.SocketsRebound{Slots: []int{1, 2}}, "WARN socket files were removed or replaced; the sockets are bound anew[slots=[1 2]]"},
		{core.SocketUnbound{Slot: 1, Error: "no space left"}, "ERROR socket could not be bound again[slot=1 error=no space left]"},
		{core.SocketUnbound{Slot: 1, Error: "no space left", Known: true}, "DEBUG socket could not be bound again[slot=1 error=no space left]"},
		{core.SocketBound{Slot: 1}, "INFO socket is bound again[slot=1]"},

		{core.ReforkAsked{Worker: worker, Served: 10}, "DEBUG refork asked for[slot=1 gen=2 refork=1 pid=77 served=10]"},
		{core.ReforkTimedOut{Origin: reforked, Timeout: time.Minute}, "DEBUG refork takes too long[gen=2 refork=1 timeout=1m0s]"},
		{core.ReforkRefused{Origin: reforked, Slot: 1, Findings: []core.Finding{thread}, Wait: time.Second},
			"INFO no refork of this worker: it has what others must not inherit; another one is tried later[gen=2 refork=1 slot=1 wait=1s]"},
		{core.ReforkRefused{Origin: reforked, Slot: 1, Wait: time.Second, Known: true},
			"DEBUG no refork of this worker: it has what others must not inherit; another one is tried later[gen=2 refork=1 slot=1 wait=1s]"},
		{core.ReforkRefused{Origin: reforked, Slot: 1, Wait: time.Second, Known: true, Last: true},
			"INFO no refork in this generation any more: its workers have what others must not inherit[gen=2 refork=1 slot=1]"},
		{core.WorkerUnfit{Worker: worker, Finding: thread}, "INFO worker is passed over for a refork: boot started a thread[slot=1 gen=2 refork=1 pid=77]"},
		{core.WorkerUnfit{Worker: worker, Finding: thread, Known: true}, "DEBUG worker is passed over for a refork: boot started a thread[slot=1 gen=2 refork=1 pid=77]"},
		{core.ReforkFailed{Origin: reforked, Exit: &killed}, "WARN refork failed; the preloader serves on[gen=2 refork=1 exit=signal SIGKILL]"},
		{core.ReforkFailed{Origin: reforked, Exit: &killed, Failure: &failure},
			"WARN refork failed; the preloader serves on[gen=2 refork=1 exit=signal SIGKILL error=KeyError: no key at config.ru:1]"},
		{core.ReforkFailed{Origin: reforked, StartError: &core.StartError{Text: "too many open files"}},
			"WARN refork failed; the preloader serves on[gen=2 refork=1 error=too many open files]"},
		{core.ReforkFailed{Origin: reforked, Exit: &killed, Reason: core.ReasonBootTimeout},
			"WARN refork failed; the preloader serves on[gen=2 refork=1 exit=signal SIGKILL reason=boot timeout]"},
		{core.ReforkCancelled{Origin: reforked, Reason: core.ReasonRolled}, "DEBUG no refork: the worker was to leave[gen=2 refork=1 reason=replaced by a newer generation]"},
		{core.PreloaderReforked{Origin: reforked, Pid: 80, Seconds: 0.25}, "INFO preloader was forked from a warm worker[gen=2 refork=1 pid=80 seconds=0.25]"},
		{core.ReforkGivenUp{Origin: reforked, Status: 500, Request: "GET /posts"},
			"WARN refork is given up; the preloader before it serves on[gen=2 refork=1 reason=its first request was answered with status 500: GET /posts]"},
		{core.ReforkGivenUp{Origin: reforked, Reason: core.ReasonDiedEarly}, "WARN refork is given up; the preloader before it serves on[gen=2 refork=1 reason=its worker died early]"},
		{core.ReforkCompleted{Origin: reforked}, "INFO workers are forks of a warm worker now[gen=2 refork=1]"},

		{core.WorkerServes{Worker: worker, Spare: true}, "INFO worker is ready[slot=1 gen=2 refork=1 pid=77 seconds=0 spare=true]"},
		{core.WorkerDied{Worker: spare, Reason: core.ReasonCrashed, Exit: killed}, "ERROR worker died[spare=true gen=2 pid=78 exit=signal SIGKILL served=0 reason=crashed]"},
		{core.WorkerLeft{Worker: spare, Reason: core.ReasonOldSpare}, "DEBUG worker left[spare=true gen=2 pid=78 exit=exit status 0 served=0 reason=slots are filled from another preloader]"},
		{core.SpareReady{Worker: spare, After: 4 * time.Millisecond}, "DEBUG spare worker is ready[gen=2 pid=78 seconds=0.004]"},
		{core.SpareWaits{Deaths: 3, Wait: time.Second}, "WARN the next spare worker waits[deaths=3 wait=1s]"},

		{core.ReforkPutOff{Worker: worker, Served: 60, Each: 8 * mB},
			"DEBUG a refork is put off: the workers have grown little since their first requests[slot=1 gen=2 refork=1 pid=77 served=60 each=8 MB]"},
		{core.SeedingEnded{Generation: 2, Reason: core.ReasonSeedTime}, "DEBUG no slot waits for a warm worker any more[gen=2 reason=none was warm in time]"},

		{core.ReleaseHeld{Generation: 2, Errors: 2, Deaths: 1, Older: 1, Workers: 8},
			"ERROR release is held back: its first requests have all failed; the slots keep the one before[gen=2 errors=2 deaths=1 older=1 workers=8 " +
				"advice=" + heldAdvice + "]"},
		{core.ReleaseLifted{Generation: 2, Answered: true}, "INFO release is held back no more: it has answered with another status[gen=2]"},
		{core.ReleaseLifted{Generation: 2}, "WARN release is held back no more: it has all slots[gen=2]"},

		{core.MemoryBoundChanged{Generation: 2, Bound: bound},
			"INFO memory at most: preloader + workers * each + launcher[gen=2 preloader=60 MB workers=2 each=15 MB launcher=10 MB total=100 MB]"},
		{core.BudgetTooSmall{Served: 8, Private: 32 * mB, Each: 20 * mB, Sensible: 40 * mB},
			"WARN the budget of a worker is too small to be kept: its first requests need more (raise --max-private)[served=8 private=32 MB each=20 MB sensible=40 MB]"},

		{core.WorkerDied{Worker: worker, Reason: core.ReasonProbeFailed, Exit: killed, Failed: failed},
			"ERROR worker has failed its probe, and serves nobody[slot=1 gen=2 refork=1 pid=77 error=KeyError: no key at config.ru:1]"},
		{core.ReleaseHeld{Generation: 3, Probes: 3, Probe: failed, Older: 2, Workers: 4},
			"ERROR release is held back: its workers have failed their probe; the slots keep the one before[gen=3 probes=3 error=KeyError: no key at config.ru:1 older=2 workers=4 advice=" + heldAdvice + "]"},
		{core.RestartBegan{By: "HUP", Generation: 2}, "INFO restart asked for[signal=HUP gen=2]"},
		{core.RestartNoted{By: "HUP"}, "INFO restart noted: the application is loaded once more after this load[signal=HUP]"},
		{core.RestartBegan{By: "launcher restart", Generation: 2}, "INFO restart asked for[by=launcher restart gen=2]"},
		{core.RestartEnded{Generation: 2, End: core.RestartServed}, "INFO restart is done: the new generation serves all slots[gen=2]"},
		{core.RestartEnded{Generation: 2, End: core.RestartReplaced}, "INFO restart is replaced by a later one[gen=2]"},
		{core.RoomIsShort{Need: 90 * mB, Available: 40 * mB, Spare: true},
			"WARN there may be too little memory for two releases at once, and processes may be killed[need=90 MB available=40 MB spare=true]"},
		{core.RestartEnded{Generation: 2, End: core.RestartNotUp, Deaths: 5},
			"ERROR restart has come to nothing: workers of the new generation die as they come up; those that are there serve on[gen=2 deaths=5]"},
		{core.RestartEnded{Generation: 2, End: core.RestartNotLoaded}, ""},
		{core.RestartIgnored{By: "HUP"}, "WARN restart ignored: the launcher is stopping[signal=HUP]"},
		{core.StopBegan{By: "TERM", Timeout: time.Minute}, "INFO stopping[signal=TERM timeout=1m0s]"},
		{core.StopBegan{By: "launcher stop", Timeout: time.Minute, Workers: 2}, "INFO stopping[by=launcher stop timeout=1m0s]"},
		{core.RestartIgnored{By: "HUP", Succeeded: true}, "INFO restart is the next launcher's start: it loads the application[signal=HUP]"},
		{core.SuccessorDismissed{By: "TERM", Timeout: time.Minute, Workers: 2}, "INFO stopping: no other launcher follows[signal=TERM timeout=1m0s workers=2]"},
		{core.StopNoted{By: "launcher stop", Workers: 2}, "INFO stop asked for once more: it is under way[by=launcher stop workers=2]"},
		{core.KillingAll{By: "launcher stop --now"}, "WARN killing what is left[by=launcher stop --now]"},
		{core.KillBegan{By: "launcher kill", Worker: worker, Request: "GET /slow"}, "WARN worker is to leave: asked for[slot=1 gen=2 refork=1 pid=77 by=launcher kill request=GET /slow]"},
		{core.KillBegan{By: "launcher kill --now", Worker: worker, Now: true}, "WARN worker is killed: asked for[slot=1 gen=2 refork=1 pid=77 by=launcher kill --now]"},
		{core.KillNoted{By: "launcher kill", Worker: worker, Reason: core.ReasonRolled, Request: "GET /slow"},
			"INFO worker leaves already[slot=1 gen=2 refork=1 pid=77 by=launcher kill reason=replaced by a newer generation request=GET /slow]"},
		{core.KillFollowed{Slot: 1, Next: core.NextComes}, ""},
		{core.KillRefused{By: "launcher kill", Slot: 7, Why: core.NoSuchSlot, Slots: 4}, "INFO no worker is ended[slot=7 by=launcher kill reason=there is no such slot]"},
		{core.BacktraceBegan{By: "launcher backtrace", Slot: 1, Workers: []core.WorkerName{worker}}, "DEBUG backtrace asked for[slot=1 by=launcher backtrace]"},
		{core.BacktraceTold{Worker: worker}, ""},
		{core.BacktraceMissing{Worker: worker}, "INFO worker has not said where its threads are: Ruby does not run in it[slot=1 gen=2 refork=1 pid=77]"},
		{core.BacktraceRefused{By: "launcher backtrace", Slot: 1, Why: core.SlotIsParked}, "DEBUG no worker is asked for a backtrace[slot=1 by=launcher backtrace reason=it is parked: a worker is forked when somebody connects]"},
		{core.ReforkNowBegan{By: "launcher refork", Origin: reforked, Worker: worker, Served: 5}, "INFO refork asked for[slot=1 gen=2 refork=1 pid=77 by=launcher refork served=5]"},
		{core.ReforkNowRefused{By: "launcher refork", Why: core.NoReforkOff}, "INFO no worker is asked for a refork[by=launcher refork reason=it is switched off (--refork-after never)]"},
		{core.ReforkNowEnded{Origin: reforked, End: core.ReforkDone}, ""},
		{core.KillingAll{By: "INT"}, "WARN killing what is left[signal=INT]"},
		{core.KillingAll{Timeout: time.Minute}, "WARN killing what is left[timeout=1m0s]"},
		{core.Contradiction{Error: "worker: x"}, "ERROR the supervisor contradicted itself[error=worker: x]"},
	} {
		seen[strings.TrimPrefix(fmt.Sprintf("%T", test.fact), "core.")] = true
		if got := told(test.fact); got != test.want {
			t.Errorf("%T:\n got %s\nwant %s", test.fact, got, test.want)
		}
	}
	for _, name := range factNames(t) {
		if !seen[name] {
			t.Errorf("nothing says what becomes of %s", name)
		}
	}
}

// factNames are the types in the core that are facts.
func factNames(t *testing.T) (names []string) {
	t.Helper()
	paths, err := filepath.Glob("core/fact*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			spec, is := node.(*ast.TypeSpec)
			if !is {
				return true
			}
			if st, is := spec.Type.(*ast.StructType); is && len(st.Fields.List) > 0 && len(st.Fields.List[0].Names) == 0 {
				names = append(names, spec.Name.Name)
			}
			return true
		})
	}
	if len(names) < 40 {
		t.Fatalf("found only %q", names)
	}
	return names
}

// watcher notes what it is told.
type watcher struct{ told []string }

func (w *watcher) Printed(string)             {}
func (w *watcher) Wrote(Line)                 {}
func (w *watcher) Served(int, int, int, bool) {}
func (w *watcher) Serving(int, []WorkerView)  {}
func (w *watcher) Stopping()                  {}

func (w *watcher) Loading(generation int) {
	w.told = append(w.told, fmt.Sprint("loading ", generation))
}
func (w *watcher) Loaded(generation int) { w.told = append(w.told, fmt.Sprint("loaded ", generation)) }
func (w *watcher) Settled()              { w.told = append(w.told, "settled") }

// TestReportTellsThePersonToo: and the findings of a refusal have a line each.
func TestReportTellsThePersonToo(t *testing.T) {
	var log strings.Builder
	w := &watcher{}
	s := &Supervisor{config: Config{Observer: w}, log: slog.New(slog.NewTextHandler(&log, nil))}
	s.report(core.LoadBegan{Generation: 1})
	s.report(core.GenerationLoaded{Origin: ident.Origin{Generation: 1}})
	s.report(core.SlotWaits{})
	s.report(core.LoadFailed{})
	s.report(core.ReforkRefused{Findings: []core.Finding{{Kind: "thread", Text: "a thread", Where: "a.rb:1"}, {Text: "a socket"}}})
	s.report(core.ThreadLocated{Thread: core.Thread{Name: "serving", State: "sleep", Frames: []string{"a.rb:1:in `sleep'", "b.rb:2"}, LeftOut: 4}, Slow: true})
	if got := strings.Join(w.told, ", "); got != "loading 1, loaded 1, settled, settled" {
		t.Error(got)
	}
	for _, line := range []string{`msg="in the way of a refork: a thread" gen=0 kind=thread where=a.rb:1`, `msg="in the way of a refork: a socket"`,
		"msg=\"  a.rb:1:in `sleep'\" slot=0 gen=0 thread=serving\n", "msg=\"  b.rb:2\" slot=0", `msg="  …" slot=0 gen=0 thread=serving left_out=4`} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("no %s in\n%s", line, log.String())
		}
	}
}
