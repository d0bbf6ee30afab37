package fcgi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
)

const (
	// headBuffer is what most requests fit, maxHeadBuffer the largest that is kept for the next one.
	headBuffer    = 2 << 10
	maxHeadBuffer = 64 << 10
)

// heads are the memory of requests up to their bodies.
var heads = sync.Pool{New: func() any {
	buffer := make([]byte, 0, headBuffer)
	return &buffer
}}

func freeHead(buffer *[]byte) {
	if cap(*buffer) <= maxHeadBuffer {
		heads.Put(buffer)
	}
}

// appendHead appends everything up to the body: BEGIN_REQUEST, PARAMS, and for
// a body that is empty or in memory all of STDIN, so that most requests are a single write.
func (c *Client) appendHead(head []byte, req *Request) ([]byte, error) {
	length := req.ContentLength
	switch {
	case length < 0:
		return head, fmt.Errorf("encode request: content length %d is negative", length)
	case length > 0 && req.Body == nil:
		return head, errors.New("encode request: content length without a body")
	case length > 0 && req.Content != nil:
		return head, errors.New("encode request: two bodies")
	case req.Content != nil:
		length = int64(len(req.Content))
	}
	head = AppendBeginRequest(head, requestID, RoleResponder)
	begin := len(head)
	head = append(head, make([]byte, HeaderLen)...) // until the length of the parameters is known
	head, err := appendParams(head, req.Params, length)
	if err != nil {
		return head, err
	}
	encoded := head[begin+HeaderLen:]
	if limit := orDefault(c.MaxParams, defaultMaxParams); len(encoded) > limit {
		return head, fmt.Errorf("%w: %d bytes, %d are allowed", ErrRequestTooLarge, len(encoded), limit)
	}
	switch {
	case len(encoded) == 0:
		head = head[:begin]
	case len(encoded) > MaxContent:
		head = AppendRecord(head[:begin:begin], TypeParams, requestID, encoded)
	default:
		putHeader(head[begin:], TypeParams, requestID, len(encoded))
	}
	head = AppendRecord(head, TypeParams, requestID, nil)
	if len(req.Content) > 0 {
		head = AppendRecord(head, TypeStdin, requestID, req.Content)
	}
	if req.ContentLength == 0 {
		head = AppendRecord(head, TypeStdin, requestID, nil)
	}
	return head, nil
}

// appendParams appends the encoded parameters, with the length of the body.
func appendParams(dst []byte, params Params, length int64) ([]byte, error) {
	named, ok := params.Get("CONTENT_LENGTH")
	if !ok && length == 0 {
		return params.Append(dst)
	}
	text := strconv.FormatInt(length, 10)
	if ok && named != text && (named != "" || length > 0) {
		return dst, fmt.Errorf("encode request: CONTENT_LENGTH %q for a body of %s bytes", named, text)
	}
	dst, err := params.Append(dst)
	if err != nil || ok {
		return dst, err
	}
	return Params{{"CONTENT_LENGTH", text}}.Append(dst)
}

// putHeader writes the header of a record without padding.
func putHeader(to []byte, t Type, id uint16, length int) {
	to[0], to[1] = Version, byte(t)
	binary.BigEndian.PutUint16(to[2:], id)
	binary.BigEndian.PutUint16(to[4:], uint16(length))
	to[6], to[7] = 0, 0
}
