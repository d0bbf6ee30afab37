package fcgi

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Sizes of the wire, specification section 3.3.
const (
	// Version is the only protocol version there is (FCGI_VERSION_1).
	Version = 1
	// HeaderLen is the length of a record header.
	HeaderLen = 8
	// MaxContent is the most content that fits one record. With 255 bytes of
	// padding the sum no longer fits 16 bits, so lengths here are of type int.
	MaxContent = 65535
)

// Type is the type of a record, specification sections 3.3 and 8.
type Type uint8

// The record types.
const (
	TypeBeginRequest    Type = 1  // section 5.1
	TypeAbortRequest    Type = 2  // section 5.4
	TypeEndRequest      Type = 3  // section 5.5
	TypeParams          Type = 4  // section 5.2
	TypeStdin           Type = 5  // section 5.3
	TypeStdout          Type = 6  // section 5.3
	TypeStderr          Type = 7  // section 5.3
	TypeData            Type = 8  // section 5.3, filters only
	TypeGetValues       Type = 9  // section 4.1
	TypeGetValuesResult Type = 10 // section 4.1
	TypeUnknownType     Type = 11 // section 4.2
)

// String gives the name that the specification uses.
func (t Type) String() string {
	names := [...]string{
		TypeBeginRequest: "BEGIN_REQUEST", TypeAbortRequest: "ABORT_REQUEST", TypeEndRequest: "END_REQUEST",
		TypeParams: "PARAMS", TypeStdin: "STDIN", TypeStdout: "STDOUT", TypeStderr: "STDERR", TypeData: "DATA",
		TypeGetValues: "GET_VALUES", TypeGetValuesResult: "GET_VALUES_RESULT", TypeUnknownType: "UNKNOWN_TYPE",
	}
	if int(t) < len(names) && names[t] != "" {
		return names[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// Role is what the application is asked to play, specification section 5.1.
type Role uint16

// The roles, specification section 6.
const (
	RoleResponder  Role = 1
	RoleAuthorizer Role = 2
	RoleFilter     Role = 3
)

// ProtocolStatus is the protocol's part of END_REQUEST, specification
// section 5.5.
type ProtocolStatus uint8

// The protocol states of a finished request.
const (
	StatusRequestComplete ProtocolStatus = 0
	StatusCantMultiplex   ProtocolStatus = 1 // FCGI_CANT_MPX_CONN
	StatusOverloaded      ProtocolStatus = 2
	StatusUnknownRole     ProtocolStatus = 3
)

// flagKeepConn asks the application to keep the connection after the request, specification section 5.1.
const flagKeepConn = 1

// flagsAt is where it stands in a BEGIN_REQUEST record.
const flagsAt = HeaderLen + 2

// bodyLen is the length of the fixed bodies of BEGIN_REQUEST, END_REQUEST and
// UNKNOWN_TYPE.
const bodyLen = 8

// requestID is the id of the one request on a connection.
const requestID = 1

// Errors of the record layer.
var (
	ErrVersion       = errors.New("record has an unknown protocol version")
	ErrRecordType    = errors.New("record has an unexpected type")
	ErrRequestID     = errors.New("record belongs to another request")
	ErrRecordContent = errors.New("record has malformed content")
)

// Record is one record as read. Content is valid until the next read.
type Record struct {
	Type    Type
	ID      uint16
	Content []byte
}

// RecordReader reads records from a stream. It holds one record at a time.
type RecordReader struct {
	r       *bufio.Reader
	content []byte
	padding int
}

// recordBuffer holds a response of usual size with the END_REQUEST behind it, so that one read gets all of it.
const recordBuffer = 32 << 10

// NewRecordReader returns a reader of the records in r.
func NewRecordReader(r io.Reader) *RecordReader {
	return &RecordReader{r: bufio.NewReader(r)}
}

// readers are those of responses that are over: their buffers are larger than most responses.
var readers = sync.Pool{New: func() any { return &RecordReader{r: bufio.NewReaderSize(nil, recordBuffer)} }}

// responseReader returns a reader of a response's records, which recycle takes back.
func responseReader(r io.Reader) *RecordReader {
	rr := readers.Get().(*RecordReader)
	rr.r.Reset(r)
	rr.padding = 0
	return rr
}

// empty tells whether all that was read are the records that it has returned.
func (rr *RecordReader) empty() bool { return rr.r.Buffered() == rr.padding }

// recycle gives a reader back that nobody reads from any more, nor from what it has returned.
func (rr *RecordReader) recycle() {
	rr.r.Reset(nil)
	readers.Put(rr)
}

// Ready tells whether a whole record has been read already, so that Next does not wait for one.
func (rr *RecordReader) Ready() bool {
	have := rr.r.Buffered() - rr.padding
	if have < HeaderLen {
		return false
	}
	ahead, err := rr.r.Peek(rr.padding + HeaderLen)
	return err == nil && have >= HeaderLen+int(binary.BigEndian.Uint16(ahead[rr.padding+4:]))
}

// Next reads one record. At the end of the stream between two records the
// error is io.EOF, within one it is io.ErrUnexpectedEOF.
//
// A record is returned as soon as its content is there. Its padding is skipped
// by the next call, so a peer that is slow to pad delays nothing.
func (rr *RecordReader) Next() (Record, error) {
	if _, err := rr.r.Discard(rr.padding); err != nil {
		return Record{}, unexpectedEOF(err)
	}
	rr.padding = 0
	header, err := rr.r.Peek(HeaderLen)
	if err != nil {
		if len(header) > 0 {
			err = unexpectedEOF(err)
		}
		return Record{}, err
	}
	if header[0] != Version {
		return Record{}, fmt.Errorf("%w: %d", ErrVersion, header[0])
	}
	// header[7] is reserved and ignored, specification section 3.3.
	record := Record{Type: Type(header[1]), ID: binary.BigEndian.Uint16(header[2:4])}
	length := int(binary.BigEndian.Uint16(header[4:6]))
	rr.padding = int(header[6])
	_, _ = rr.r.Discard(HeaderLen) // they are there
	if rr.r.Buffered() >= length {
		record.Content, _ = rr.r.Peek(length)
		_, _ = rr.r.Discard(length) // what was looked at stays until the next read
		return record, nil
	}
	if cap(rr.content) < length {
		rr.content = make([]byte, length)
	}
	record.Content = rr.content[:length]
	if _, err := io.ReadFull(rr.r, record.Content); err != nil {
		return Record{}, unexpectedEOF(err)
	}
	return record, nil
}

// unexpectedEOF marks an end of the stream in the middle of a record.
func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// AppendRecord appends one stream's content as records to dst: one record of
// at most MaxContent bytes after the other. Empty content is one empty record,
// which ends a stream (specification section 3.3).
//
// Nothing is padded: alignment is a recommendation, and the receiver copies.
func AppendRecord(dst []byte, t Type, id uint16, content []byte) []byte {
	for {
		chunk := content[:min(len(content), MaxContent)]
		dst = append(dst, Version, byte(t))
		dst = binary.BigEndian.AppendUint16(dst, id)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(chunk)))
		dst = append(dst, 0, 0)
		dst = append(dst, chunk...)
		content = content[len(chunk):]
		if len(content) == 0 {
			return dst
		}
	}
}

// AppendBeginRequest appends a BEGIN_REQUEST record without flags: the
// connection ends with the request.
func AppendBeginRequest(dst []byte, id uint16, role Role) []byte {
	var body [bodyLen]byte
	binary.BigEndian.PutUint16(body[0:2], uint16(role))
	return AppendRecord(dst, TypeBeginRequest, id, body[:])
}

// AppendEndRequest appends an END_REQUEST record.
func AppendEndRequest(dst []byte, id uint16, appStatus uint32, status ProtocolStatus) []byte {
	var body [bodyLen]byte
	binary.BigEndian.PutUint32(body[0:4], appStatus)
	body[4] = byte(status)
	return AppendRecord(dst, TypeEndRequest, id, body[:])
}
