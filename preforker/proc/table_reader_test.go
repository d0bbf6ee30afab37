//go:build linux

package proc

import (
	"errors"
	"os"
	"sync"
	"testing"
)

// TestPassesAreShared: all who ask during one pass wait for one more, and no longer.
func TestPassesAreShared(t *testing.T) {
	begun, end := make(chan int), make(chan struct{})
	count := 0
	p := TableReader{read: func() (Table, error) {
		count++ // one at a time
		begun <- count
		<-end
		return NewTable([]Process{{Pid: count}}), nil
	}}
	var asking sync.WaitGroup
	defer asking.Wait()
	ask := func(want int) {
		mine := p.ask()
		asking.Go(func() {
			if table, err := p.await(mine); err != nil {
				t.Error(err)
			} else if _, found := table.Find(want); !found {
				t.Errorf("not the table of pass %d", want)
			}
		})
	}
	ask(1)
	<-begun
	later := p.ask()
	for range 10 {
		ask(2)
	}
	if later.begun || p.ask() != later {
		t.Error("there are two passes to come")
	}
	end <- struct{}{}
	<-begun
	if !later.begun || p.ask() == later {
		t.Error("who asks now gets a table that was begun before")
	}
	end <- struct{}{}
}

// TestPassThatFails is told to who asked, and the next one is another.
func TestPassThatFails(t *testing.T) {
	wrong := errors.New("on purpose")
	p := TableReader{read: func() (Table, error) { return Table{}, wrong }}
	if _, err := p.Processes(); !errors.Is(err, wrong) {
		t.Error(err)
	}
	p.read = nil
	if table, err := p.Processes(); err != nil {
		t.Error(err)
	} else if _, found := table.Find(os.Getpid()); !found {
		t.Error("this process is not there")
	}
}
