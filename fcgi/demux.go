package fcgi

import (
	"errors"
	"fmt"
	"io"
)

// demuxer reads the records of one response and yields its STDOUT.
type demuxer struct {
	records *RecordReader
	stderr  lineSink
	content []byte // of STDOUT, not yet read
	started bool   // some STDOUT came
	closed  bool   // STDOUT was ended by an empty record
	err     error  // final
}

// Read returns what came of STDOUT as soon as it came. io.EOF means that
// END_REQUEST reported a completed request. Whatever follows END_REQUEST is
// not read: the response is over (specification section 5.5).
func (d *demuxer) Read(p []byte) (int, error) {
	if err := d.await(); err != nil {
		return 0, err
	}
	n := copy(p, d.content)
	d.content = d.content[n:]
	return n, nil
}

// await waits until there is content.
func (d *demuxer) await() error {
	for len(d.content) == 0 {
		if d.err != nil {
			return d.err
		}
		if d.err = d.next(); d.err != nil {
			d.stderr.flush()
			return d.err
		}
	}
	return nil
}

// ready handles the records that are there already, and tells whether Read returns without waiting for another.
func (d *demuxer) ready() bool {
	for len(d.content) == 0 && d.err == nil && d.records.Ready() {
		if d.err = d.next(); d.err != nil {
			d.stderr.flush()
		}
	}
	return len(d.content) > 0 || d.err != nil
}

// next handles one record.
func (d *demuxer) next() error {
	record, err := d.records.Next()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrConnectionClosed
	case err != nil && (errors.Is(err, ErrVersion) || isTimeout(err)):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrConnectionClosed, err) // ECONNRESET
	case record.ID != requestID:
		return fmt.Errorf("%w: %s for request %d", ErrRequestID, record.Type, record.ID)
	}
	switch record.Type {
	case TypeStdout:
		switch {
		case len(record.Content) == 0:
			d.closed = true
		case d.closed:
			return ErrStdoutClosed
		default:
			d.content, d.started = record.Content, true
		}
		return nil
	case TypeStderr:
		d.stderr.write(record.Content)
		return nil
	case TypeEndRequest:
		return d.end(record.Content)
	}
	return fmt.Errorf("%w: %s", ErrRecordType, record.Type)
}

// end judges END_REQUEST, specification section 5.5. An application need not
// end STDOUT with an empty record before.
func (d *demuxer) end(content []byte) error {
	if len(content) != bodyLen {
		return fmt.Errorf("%w: END_REQUEST of %d bytes", ErrRecordContent, len(content))
	}
	switch status := ProtocolStatus(content[4]); status {
	case StatusRequestComplete:
		if !d.started {
			return ErrNoResponse
		}
		return io.EOF
	case StatusCantMultiplex:
		return ErrCantMultiplex
	case StatusOverloaded:
		return ErrOverloaded
	case StatusUnknownRole:
		return ErrUnknownRole
	default:
		return fmt.Errorf("%w: %d", ErrProtocolStatus, status)
	}
}
