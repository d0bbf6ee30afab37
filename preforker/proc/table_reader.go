package preforker

import (
	"sync"

	"launcher/preforker/proc"
)

// passes are looks at all processes of the machine, one at a time: with thousands of them one takes tenths of a
// second. Who asks gets a table that was begun after that, and all who ask during one pass share the next.
type passes struct {
	read func() (proc.Table, error)

	turn sync.Mutex // is held during a pass

	lock sync.Mutex
	next *pass // which has not begun; nil: nobody has asked for one
}

type pass struct {
	begun bool
	table proc.Table
	err   error
}

func (p *passes) processes() (proc.Table, error) { return p.await(p.ask()) }

// await makes a pass, or answers what another who waited for it has made.
func (p *passes) await(mine *pass) (proc.Table, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	if !mine.begun {
		p.begin(mine)
		mine.table, mine.err = p.read()
	}
	return mine.table, mine.err
}

func (p *passes) ask() *pass {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.next == nil {
		p.next = &pass{}
	}
	return p.next
}

// begin has those who ask from now on get a later pass.
func (p *passes) begin(mine *pass) {
	p.lock.Lock()
	defer p.lock.Unlock()
	mine.begun, p.next = true, nil
}
