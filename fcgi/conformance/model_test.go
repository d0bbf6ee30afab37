package conformance

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"launcher/fcgi"
	"launcher/fcgi/fcgitest"
)

// fault is what a model does wrong.
type fault int

const (
	none fault = iota
	playsAnyRole
	hasNoUnknownType
	keepsAlways
	ignoresAbort
	handsOnProxy
	losesBytes
	cutsResponses
	mistakesID
	diesOfHugeLengths
	hangsForAll // once it has met huge lengths
	countsNoLength
	joinsPeriods
)

// model is a responder that does all that is expected, but for one thing, and runs the probe application.
type model struct {
	fault  fault
	posted string       // the status of a POST, where the application says another one to that
	dead   atomic.Int32 // so many connections are closed at once
	hangs  atomic.Bool
}

// modelConn is one connection to a model.
type modelConn struct {
	*model
	conn    net.Conn
	records chan fcgi.Record
	gone    chan struct{}

	id      uint16
	keep    bool
	decoder *fcgi.ParamsDecoder // nil once the parameters are complete
	params  fcgi.Params
	body    []byte
	length  int // of the body, -1 where it is read to the end of the stream
	ignored int
}

func (m *model) serve(conn net.Conn) {
	if m.hangs.Load() {
		fcgitest.Silent(conn)
		return
	}
	if m.dead.Add(-1) >= 0 {
		return
	}
	c := &modelConn{model: m, conn: conn, records: make(chan fcgi.Record), gone: make(chan struct{})}
	defer close(c.gone)
	go c.read()
	for c.one() {
		c.id, c.params, c.body = 0, nil, nil
	}
	if half, ok := conn.(*net.UnixConn); ok {
		_ = half.CloseWrite()
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		for range c.records { // what is not read would reset the connection
		}
	}
}

// read copies the records, so that an abort is seen in the middle of a response.
func (c *modelConn) read() {
	defer close(c.records)
	for records := fcgi.NewRecordReader(c.conn); ; {
		r, err := records.Next()
		if err != nil {
			return
		}
		r.Content = slices.Clone(r.Content)
		select {
		case c.records <- r:
		case <-c.gone:
			return
		}
	}
}

// one serves a request, and returns whether another one may follow.
func (c *modelConn) one() bool {
	for r := range c.records {
		switch {
		case r.ID == 0:
			if !c.manage(r) {
				return false
			}
		case r.Type == fcgi.TypeBeginRequest:
			if len(r.Content) != fcgi.HeaderLen || r.ID == c.id || !c.begin(r) {
				return false
			}
		case r.ID != c.id:
			if c.ignored++; c.ignored > 1000 {
				return false
			}
		case r.Type == fcgi.TypeAbortRequest && c.fault != ignoresAbort:
			c.end(fcgi.StatusRequestComplete)
			return c.keep
		case r.Type == fcgi.TypeParams && c.decoder == nil, r.Type == fcgi.TypeStdin && c.decoder != nil:
			return false
		case r.Type == fcgi.TypeParams || r.Type == fcgi.TypeStdin:
			if done, keep := c.take(r); done {
				return keep
			}
		}
	}
	return false
}

func (c *modelConn) begin(r fcgi.Record) bool {
	role := fcgi.Role(binary.BigEndian.Uint16(r.Content))
	switch {
	case c.id != 0:
		_, _ = c.conn.Write(fcgi.AppendEndRequest(nil, r.ID, 0, fcgi.StatusCantMultiplex))
		return true
	case role != fcgi.RoleResponder && c.fault != playsAnyRole:
		_, _ = c.conn.Write(fcgi.AppendEndRequest(nil, r.ID, 0, fcgi.StatusUnknownRole))
		return false
	}
	c.id, c.keep, c.decoder, c.length = r.ID, r.Content[2]&flagKeep != 0 || c.fault == keepsAlways, fcgi.NewParamsDecoder(1<<18), 0
	return true
}

func (c *modelConn) manage(r fcgi.Record) bool {
	switch r.Type {
	case fcgi.TypeBeginRequest:
		return false
	case fcgi.TypeGetValues:
		decoder := fcgi.NewParamsDecoder(1 << 16)
		_, _ = decoder.Write(r.Content)
		asked, err := decoder.Params()
		var known fcgi.Params
		for _, p := range asked {
			if value, ok := map[string]string{fcgi.ValueMaxConns: "1", fcgi.ValueMaxReqs: "1", fcgi.ValueMpxConns: "0"}[p.Name]; ok {
				known = append(known, fcgi.Param{Name: p.Name, Value: value})
			}
		}
		_, _ = c.conn.Write(fcgi.AppendRecord(nil, fcgi.TypeGetValuesResult, 0, pairs(known)))
		return err == nil
	}
	if r.Type > fcgi.TypeUnknownType && c.fault != hasNoUnknownType {
		_, _ = c.conn.Write(fcgi.AppendRecord(nil, fcgi.TypeUnknownType, 0, []byte{byte(r.Type), 0, 0, 0, 0, 0, 0, 0}))
	}
	return true
}

// take adds a piece of the parameters or of the body. It returns whether the request was served with it.
func (c *modelConn) take(r fcgi.Record) (done, keep bool) {
	if r.Type == fcgi.TypeParams && len(r.Content) > 0 {
		if _, err := c.decoder.Write(r.Content); err != nil {
			return true, c.refuse(err)
		}
		return false, false
	}
	if r.Type == fcgi.TypeParams {
		if err := c.complete(); err != nil {
			return true, c.refuse(err)
		}
		if c.length == 0 {
			return true, c.respond()
		}
		return false, false
	}
	c.body = append(c.body, r.Content...)
	switch {
	case c.length >= 0 && len(c.body) >= c.length:
		c.body = c.body[:c.length]
		return true, c.respond()
	case len(r.Content) == 0 && c.length < 0:
		return true, c.respond()
	case len(r.Content) == 0:
		return true, c.refuse(io.ErrUnexpectedEOF)
	}
	return false, false
}

func (c *modelConn) complete() (err error) {
	c.params, err = c.decoder.Params()
	c.decoder = nil
	if _, there := c.params.Get("REQUEST_METHOD"); !there && err == nil {
		err = os.ErrInvalid
	}
	length, _ := c.params.Get("CONTENT_LENGTH")
	if err != nil || length == "" {
		return err
	}
	var rest string
	if n, _ := fmt.Sscanf(length, "%d%s", &c.length, &rest); (n != 1 || c.length < -1) && c.fault != countsNoLength {
		return os.ErrInvalid
	}
	return nil
}

// refuse answers in the place of the application.
func (c *modelConn) refuse(err error) bool {
	if strings.Contains(err.Error(), "announces") {
		switch c.fault {
		case diesOfHugeLengths:
			c.dead.Store(2)
			return false
		case hangsForAll:
			c.hangs.Store(true)
			return false
		}
	}
	c.write("Status: 400 Bad Request\r\n\r\n" + err.Error())
	c.end(fcgi.StatusRequestComplete)
	return false
}

func (c *modelConn) write(text string) bool {
	id := c.id
	if c.fault == mistakesID {
		id++
	}
	_, err := c.conn.Write(fcgi.AppendRecord(nil, fcgi.TypeStdout, id, []byte(text)))
	return err == nil
}

func (c *modelConn) end(status fcgi.ProtocolStatus) {
	_, _ = c.conn.Write(fcgi.AppendEndRequest(nil, c.id, 0, status))
}

// respond is the probe application.
func (c *modelConn) respond() bool {
	query, _ := c.params.Get("QUERY_STRING")
	text := "X-Probe: 1\r\n\r\n"
	if method, _ := c.params.Get("REQUEST_METHOD"); method == "POST" && c.posted != "" {
		text = "Status: " + c.posted + "\r\n" + text
	}
	switch Command(strings.TrimPrefix(query, "probe=")) {
	case CommandEcho:
		text += c.echo()
	case CommandBig:
		return c.write(text) && c.big()
	case CommandStderr:
		_, _ = c.conn.Write(fcgi.AppendRecord(nil, fcgi.TypeStderr, c.id, []byte("\x1b[31mred\a\n")))
	case CommandOpen:
		text = "Status: 501 Not Implemented\r\n" + text
	}
	if !c.write(text) || c.fault == cutsResponses && query != "" {
		return false
	}
	c.end(fcgi.StatusRequestComplete)
	return c.keep
}

func (c *modelConn) echo() string {
	var out strings.Builder
	for _, p := range c.params {
		if p.Name == "HTTP_PROXY" && c.fault != handsOnProxy {
			continue
		}
		if c.fault == joinsPeriods {
			p.Name = strings.ReplaceAll(p.Name, ".", "_")
		}
		fmt.Fprintf(&out, "%s=%s\n", p.Name, p.Value)
	}
	if c.fault == losesBytes && len(c.body) > 0 {
		c.body = c.body[1:]
	}
	return out.String() + "\n" + string(c.body)
}

func (c *modelConn) big() bool {
	block := strings.Repeat("0123456789abcdef", 4096)[1:]
	for range 1025 {
		select {
		case r, open := <-c.records:
			if open && r.Type == fcgi.TypeAbortRequest && c.fault != ignoresAbort {
				c.end(fcgi.StatusRequestComplete)
				return c.keep
			}
		default:
		}
		if !c.write(block) {
			return false
		}
	}
	c.end(fcgi.StatusRequestComplete)
	return c.keep
}

// startModel starts a model on a socket.
func startModel(t *testing.T, f fault) Target {
	t.Helper()
	return Target{Network: "unix", Address: fcgitest.Responder(t, (&model{fault: f}).serve)}
}
