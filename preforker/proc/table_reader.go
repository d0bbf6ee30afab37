//go:build linux

package proc

import (
	"sync"
)

// TableReader reads the table of processes for all who ask, one pass at a time: with thousands of
// processes one takes tenths of a second. Who asks gets a table that was begun after that, and all
// who ask during one pass share the next. Its zero value reads /proc.
type TableReader struct {
	read func() (Table, error) // nil: Processes

	turn sync.Mutex // is held during a pass

	lock sync.Mutex
	next *pass // which has not begun; nil: nobody has asked for one
}

type pass struct {
	begun bool
	table Table
	err   error
}

// Processes reads the table, or shares the reading of others.
func (r *TableReader) Processes() (Table, error) { return r.await(r.ask()) }

// await makes a pass, or returns what another who waited for it has made.
func (r *TableReader) await(mine *pass) (Table, error) {
	r.turn.Lock()
	defer r.turn.Unlock()
	if !mine.begun {
		r.begin(mine)
		read := r.read
		if read == nil {
			read = Processes
		}
		mine.table, mine.err = read()
	}
	return mine.table, mine.err
}

func (r *TableReader) ask() *pass {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.next == nil {
		r.next = &pass{}
	}
	return r.next
}

// begin has those who ask from now on get a later pass.
func (r *TableReader) begin(mine *pass) {
	r.lock.Lock()
	defer r.lock.Unlock()
	mine.begun, r.next = true, nil
}
