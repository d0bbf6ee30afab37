package linux

import (
	"os/exec"
	"sync"
	"testing"
	"time"
)

// TestEndings: children that end at once, later, and before they are followed are all told of, each once, by one goroutine.
func TestEndings(t *testing.T) {
	const children = 100 // more than come with one answer of the kernel
	endings, err := NewEndings()
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan int, 2*children)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if err := endings.Wait(); err != nil {
			t.Error(err)
		}
	})
	followed := map[int]*Child{}
	var stop []func() error
	for i := range children {
		cmd := exec.Command("sh", "-c", "read x; exit 3")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		child, err := FollowChild(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		_ = cmd.Process.Release()
		if i%2 == 0 { // it has ended by then
			_ = in.Close()
			waitForZombie(t, child.Pid)
		} else {
			stop = append(stop, in.Close)
		}
		followed[child.Pid] = child
		if err := endings.Follow(child, func() { told <- child.Pid }); err != nil {
			t.Fatal(err)
		}
	}
	for _, end := range stop {
		_ = end()
	}
	for range children {
		select {
		case pid := <-told:
			child := followed[pid]
			delete(followed, pid)
			if child == nil {
				t.Fatalf("%d is told twice", pid)
			}
			if err := child.Await(); err != nil {
				t.Error(err)
			}
			if status, err := child.Reap(); err != nil || status.Code != 3 {
				t.Errorf("%d: %v, %v", pid, status, err)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("nobody tells of %d children", len(followed))
		}
	}
	endings.Close()
	waiting.Wait()
}
