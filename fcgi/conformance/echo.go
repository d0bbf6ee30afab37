package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Command is what the probe application is asked to do, by the query "probe=" and its name. README.md has the
// contract.
type Command string

// The commands.
const (
	CommandEcho   Command = "echo"   // returns parameters and body
	CommandBig    Command = "big"    // returns more than any socket's buffers hold
	CommandStderr Command = "stderr" // writes control characters to its error stream
	CommandEarly  Command = "early"  // returns without reading the body
	CommandOpen   Command = "open"   // opens more than 1024 descriptors, and keeps them
	CommandClose  Command = "close"  // closes them
)

// bigBytes is how much of a body the probe application returns at least.
const bigBytes = 64 << 20

// processHeader names the process that has served, in each response of the probe application.
const processHeader = "X-Probe"

// notImplemented is its status for a command that it does not know, or cannot carry out.
const notImplemented = 501

// seen is what the probe application was given.
type seen struct {
	params map[string]string
	body   []byte
}

// echoed reads the response to CommandEcho: a line for each parameter, an empty line, the body.
func echoed(r *reply) (seen, error) {
	s := seen{params: map[string]string{}}
	if !r.is(served) {
		return s, errors.New(r.String())
	}
	lines, body, found := bytes.Cut(append([]byte("\n"), r.body()...), []byte("\n\n"))
	if !found {
		return s, fmt.Errorf("%s, and the application was not given its command", r)
	}
	for _, line := range strings.Split(strings.TrimPrefix(string(lines), "\n"), "\n") {
		name, value, _ := strings.Cut(line, "=")
		s.params[name] = value
	}
	s.body = body
	return s, nil
}

// sees makes a request of which the application tells what it was given, and judges that.
func (a *attempt) sees(r *reply, judge func(seen) verdict) verdict {
	if r.is(refused) && r.status() == notImplemented {
		return skipped("the application cannot do that")
	}
	if r.is(refused | closed) {
		return passed(r.String())
	}
	s, err := echoed(r)
	if err != nil {
		return failed(r.String())
	}
	return judge(s)
}
