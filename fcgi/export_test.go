package fcgi

import "net"

// What the tests that stand outside of this package need of its inside.
const MaxStderrLine = maxStderrLine

var (
	ErrIdle = errIdle
	IsToken = isToken
)

// Receive reads the response to a request that was sent on conn.
func Receive(conn net.Conn, method string) (*Response, error) {
	client := &Client{Stderr: func(string) {}}
	trip := &roundTrip{exchange: exchange{conn: conn}}
	if err := client.receive(trip, &Request{Params: Params{{"REQUEST_METHOD", method}}}); err != nil {
		return nil, err
	}
	return &trip.response, nil
}
