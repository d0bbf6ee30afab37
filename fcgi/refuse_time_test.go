package fcgi_test

import (
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	. "launcher/fcgi"
)

// halfConn is one end of a connection each of whose directions ends by itself, as those of a socket do.
type halfConn struct {
	net.Conn // that is read
	write    net.Conn
}

// halfPair returns both ends. Time passes as in the bubble that it is made in.
func halfPair() (one, other *halfConn) {
	a, b := net.Pipe()
	c, d := net.Pipe()
	return &halfConn{Conn: a, write: c}, &halfConn{Conn: d, write: b}
}

func (c *halfConn) Write(b []byte) (int, error)         { return c.write.Write(b) }
func (c *halfConn) SetWriteDeadline(at time.Time) error { return c.write.SetWriteDeadline(at) }
func (c *halfConn) CloseWrite() error                   { return c.write.Close() }
func (c *halfConn) Close() error                        { return errors.Join(c.Conn.Close(), c.write.Close()) }

// refusedPeer is a web server whose connection is refused.
type refusedPeer struct {
	*halfConn
	answers chan struct{} // one for each, closed at the end of the stream
	ended   chan struct{} // closed when the refusal has
	began   time.Time
	took    time.Duration // to be read once it has ended
}

func newRefusedPeer(t *testing.T) *refusedPeer {
	mine, theirs := halfPair()
	peer := &refusedPeer{halfConn: mine, answers: make(chan struct{}, 10_000), ended: make(chan struct{}), began: time.Now()}
	go func() {
		defer close(peer.ended)
		if err := Refuse(theirs, 503, "busy\n", 0); err != nil {
			t.Error(err)
		}
		peer.took = time.Since(peer.began)
	}()
	go func() {
		defer close(peer.answers)
		records := NewRecordReader(mine)
		for {
			record, err := records.Next()
			if err != nil {
				return
			}
			if record.Type == TypeEndRequest {
				peer.answers <- struct{}{}
			}
		}
	}()
	return peer
}

// request sends the head of one, and says whether it could.
func (p *refusedPeer) request(keep bool) bool {
	begin := AppendBeginRequest(nil, 1, RoleResponder)
	if keep {
		begin[HeaderLen+2] = 1 // FCGI_KEEP_CONN
	}
	_, err := p.Write(slices.Concat(begin, AppendRecord(nil, TypeParams, 1, nil)))
	return err == nil
}

// body sends a part of a body, none for its end, and says whether it could.
func (p *refusedPeer) body(length int) bool {
	_, err := p.Write(AppendRecord(nil, TypeStdin, 1, make([]byte, length)))
	return err == nil
}

// end returns how long the refusal took.
func (p *refusedPeer) end() time.Duration {
	<-p.ended
	_ = p.Close()
	return p.took
}

// TestRefuseReadsAnUpload to its end, though it pauses and takes some seconds, also where the connection is to be kept.
func TestRefuseReadsAnUpload(t *testing.T) {
	for _, keep := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			peer := newRefusedPeer(t)
			peer.request(keep)
			for n := range 6 {
				time.Sleep(700 * time.Millisecond)
				if !peer.body(60_000) {
					t.Fatalf("keep %v: ended before piece %d, %v after the answer", keep, n, time.Since(peer.began))
				}
			}
			if !peer.body(0) || keep && !(peer.request(true) && peer.body(0)) {
				t.Errorf("keep %v: ended before the end of the body", keep)
			}
			_ = peer.CloseWrite()
			peer.end()
			if got := len(peer.answers); keep && got != 2 || !keep && got != 1 {
				t.Errorf("keep %v: %d answers", keep, got)
			}
		})
	}
}

// TestRefuseWaitsForNobodyWhoTrickles: others wait for its place.
func TestRefuseWaitsForNobodyWhoTrickles(t *testing.T) {
	for _, keep := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			peer := newRefusedPeer(t)
			peer.request(keep)
			for peer.body(1) {
				time.Sleep(500 * time.Millisecond)
			}
			if took := peer.end(); took > 1100*time.Millisecond {
				t.Errorf("keep %v: %v", keep, took)
			}
		})
	}
}

// TestRefuseEndsBehindAnAnswer: a connection in steady use does not end on a request that has been sent.
func TestRefuseEndsBehindAnAnswer(t *testing.T) {
	for _, pause := range []time.Duration{time.Millisecond, 7 * time.Millisecond, 150 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			peer := newRefusedPeer(t)
			sent, answered := 0, 0
			for {
				sent++
				if !peer.request(true) || !peer.body(0) {
					t.Errorf("pause %v: request %d was not read", pause, sent)
				}
				if _, ok := <-peer.answers; ok {
					answered++
				}
				time.Sleep(pause)
				if isClosed(peer.answers) {
					break
				}
			}
			_ = peer.CloseWrite()
			if took := peer.end(); sent != answered || took < time.Second || took > 1500*time.Millisecond {
				t.Errorf("pause %v: %d of %d requests were answered in %v", pause, answered, sent, took)
			}
		})
	}
}

// isClosed says whether nothing more comes.
func isClosed(answers <-chan struct{}) bool {
	select {
	case _, open := <-answers:
		return !open
	default:
		return false
	}
}

// TestRefuseIsBounded whatever the peer sends.
func TestRefuseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := newRefusedPeer(t)
		begin := AppendBeginRequest(nil, 1, RoleResponder)
		_, _ = peer.Write(begin[:4])
		time.Sleep(4 * time.Second)
		begin[HeaderLen+2] = 1 // FCGI_KEEP_CONN
		_, _ = peer.Write(append(begin[4:], AppendRecord(nil, TypeParams, 1, nil)...))
		for {
			for range 60 {
				if !peer.body(6000) {
					break
				}
				time.Sleep(80 * time.Millisecond)
			}
			if !peer.body(0) || !peer.request(true) {
				break
			}
		}
		if took := peer.end(); took > 10*time.Second {
			t.Errorf("ended after %v", took)
		}
	})
}

// TestRefuseKeepsNobodyIdle: the next request comes at once, or others get the place.
func TestRefuseKeepsNobodyIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peer := newRefusedPeer(t)
		peer.request(true)
		peer.body(0)
		if took := peer.end(); took > 300*time.Millisecond {
			t.Errorf("ended after %v", took)
		}
	})
}
