package systemd

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"launcher/preforker"
)

// notifySocket names the socket of the service manager.
const notifySocket = "NOTIFY_SOCKET"

// variables are meant for this process alone.
var variables = []string{notifySocket, "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "FDSTORE"}

const (
	// queueLength is how many messages may wait for a service manager that does not read.
	queueLength = 256
	// sendTimeout bounds the wait for one of them.
	sendTimeout = 5 * time.Second
	// quietPeriod is how often the loop is to be heard of without a watchdog: often enough for extend.
	quietPeriod = 5 * time.Second
	// beatsInWatchdog is how often the loop feeds a watchdog within its time.
	beatsInWatchdog = 3
)

// Manager is the service manager that has started this process and wants to hear of it. It implements preforker.Manager.
type Manager struct {
	period   time.Duration
	reporter reporter
	conn     *net.UnixConn
	log      *slog.Logger
	messages chan message
	sent     sync.WaitGroup
	full     bool // a message was dropped, and that is logged
}

// message is one datagram.
type message struct {
	text  string
	files []*os.File // that go with it, and stay the caller's
}

// Connect returns the service manager that the environment names, nil where it names none. Drain is how long a stop may take.
func Connect(drain time.Duration, log *slog.Logger) (*Manager, error) {
	watchdog, wrong := daemon.SdWatchdogEnabled(true)
	path := os.Getenv(notifySocket)
	for _, name := range variables {
		wrong = errors.Join(wrong, os.Unsetenv(name))
	}
	if wrong != nil {
		log.Warn("what the service manager wants of a watchdog is not understood", keyError, wrong)
	}
	if path == "" {
		return nil, nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("reach the service manager, of %s: %w", notifySocket, err)
	}
	m := &Manager{period: quietPeriod, reporter: reporter{watchdog: watchdog > 0, drain: drain}, conn: conn, log: log,
		messages: make(chan message, queueLength)}
	if watchdog > 0 {
		m.period = min(quietPeriod, max(watchdog/beatsInWatchdog, time.Millisecond))
	}
	m.sent.Go(m.send)
	return m, nil
}

// keyError is that of the log.
const keyError = "error"

// Period implements preforker.Manager.
func (m *Manager) Period() time.Duration { return m.period }

// Tell implements preforker.Manager.
func (m *Manager) Tell(condition preforker.Condition) {
	for _, text := range m.reporter.report(condition, time.Now()) {
		m.queue(message{text: text})
	}
}

// queue has a message sent, if the service manager reads.
func (m *Manager) queue(next message) {
	select {
	case m.messages <- next:
		m.full = false
	default:
		if !m.full {
			m.full = true
			m.log.Error("the service manager does not read what it is told")
		}
	}
}

func (m *Manager) send() {
	for next := range m.messages {
		if err := m.write(next); err != nil {
			m.log.Error("the service manager could not be told", keyError, err)
		}
	}
}

func (m *Manager) write(next message) error {
	if err := m.conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	_, err := m.conn.Write([]byte(next.text))
	return err
}

// Close sends what is queued, and ends.
func (m *Manager) Close() {
	if m != nil {
		close(m.messages)
		m.sent.Wait()
		_ = m.conn.Close()
	}
}
