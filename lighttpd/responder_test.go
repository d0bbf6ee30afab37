package lighttpd

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// params serves one request on socket and sends the parameters that lighttpd
// passed, all of them: net/http/fcgi keeps SCRIPT_NAME and PATH_INFO to itself.
// The answer is an empty page.
func params(t *testing.T, socket string) <-chan map[string]string {
	t.Helper()
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan map[string]string, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(result)
		conn, err := listener.Accept()
		if err != nil {
			return // the test ended first
		}
		defer conn.Close()
		stream, err := readParams(conn)
		if err != nil {
			t.Errorf("read parameters: %v", err)
			return
		}
		result <- decodeParams(stream)
		// STDOUT with an empty page, then END_REQUEST (FastCGI 1.0, 5.3, 5.5).
		page := "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n"
		answer := append([]byte{1, 6, 0, 1, 0, byte(len(page)), 0, 0}, page...)
		answer = append(answer, 1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		if _, err := conn.Write(answer); err != nil {
			t.Errorf("answer: %v", err)
		}
		_, _ = io.Copy(io.Discard, conn) // lighttpd closes; a reset would eat the answer
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return result
}

// readParams reads records up to the empty PARAMS record.
func readParams(conn io.Reader) ([]byte, error) {
	const typeParams = 4
	var stream []byte
	for {
		var header [8]byte
		if _, err := io.ReadFull(conn, header[:]); err != nil {
			return nil, err
		}
		length := int(binary.BigEndian.Uint16(header[4:6]))
		content := make([]byte, length+int(header[6]))
		if _, err := io.ReadFull(conn, content); err != nil {
			return nil, err
		}
		if header[1] != typeParams {
			continue
		}
		if length == 0 {
			return stream, nil
		}
		stream = append(stream, content[:length]...)
	}
}

// decodeParams splits name-value pairs (FastCGI 1.0, 3.4).
func decodeParams(stream []byte) map[string]string {
	all := make(map[string]string)
	length := func() int {
		n := int(stream[0])
		if n < 128 {
			stream = stream[1:]
			return n
		}
		n = int(binary.BigEndian.Uint32(stream) &^ (1 << 31))
		stream = stream[4:]
		return n
	}
	for len(stream) > 0 {
		name, value := length(), 0
		value = length()
		all[string(stream[:name])] = string(stream[name : name+value])
		stream = stream[name+value:]
	}
	return all
}
