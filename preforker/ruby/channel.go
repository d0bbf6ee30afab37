package ruby

import (
	"errors"
	"io"
	"os"

	"launcher/preforker/internal/wire"
	"launcher/preforker/linux"
)

// Send sends a message, with copies of descriptors.
func Send(conn *linux.PacketConn, message any, files ...*os.File) error {
	packet, err := wire.Encode(message)
	if err != nil {
		return err
	}
	return conn.Send(packet, files...)
}

// Receive waits for the next message.
func Receive(conn *linux.PacketConn) (any, error) {
	packet, err := conn.Receive()
	if err != nil {
		return nil, err
	}
	return wire.Decode(packet)
}

// IsEnd says whether a reading ended because the other end, or this one, is closed.
func IsEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) }
