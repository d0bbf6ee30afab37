package systemd

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"launcher/preforker"
	"launcher/preforker/ident"
)

// notifySocket names the socket of the service manager.
const notifySocket = "NOTIFY_SOCKET"

// variables are meant for this process alone.
var variables = []string{notifySocket, "LISTEN_PIDFDID", storeVariable}

const (
	// queueLength is how many messages may wait for a service manager that does not read: a start has the sockets of all slots dropped
	// and kept.
	queueLength = 256 + 2*ident.MaxWorkers
	// sendTimeout bounds the wait for one of them.
	sendTimeout = 5 * time.Second
	// quietPeriod is how often the loop is to be heard of without a watchdog: often enough for extend.
	quietPeriod = 5 * time.Second
	// beatsInWatchdog is how often the loop feeds a watchdog within its time.
	beatsInWatchdog = 3
)

// Manager is the service manager that has started this process and wants to hear of it. It implements preforker.Manager.
type Manager struct {
	environment []string // that it has set for this process
	period      time.Duration
	reporter    reporter
	conn        *net.UnixConn
	log         *slog.Logger
	messages    chan message
	sent        sync.WaitGroup
	full        bool // a message was dropped, and that is logged
}

// message is one datagram.
type message struct {
	text string
	fds  []int // that go with it, and are closed then
}

func (m message) close() {
	for _, fd := range m.fds {
		_ = syscall.Close(fd)
	}
}

// Connect returns the service manager that the environment names, nil where it names none. Drain is how long a stop may take.
func Connect(drain time.Duration, log *slog.Logger) (*Manager, error) {
	var environment []string
	for _, name := range append([]string{"WATCHDOG_USEC", "WATCHDOG_PID"}, variables...) {
		if value, set := os.LookupEnv(name); set {
			environment = append(environment, name+"="+value)
		}
	}
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
	m := &Manager{environment: environment, period: quietPeriod, reporter: reporter{watchdog: watchdog > 0, drain: drain}, conn: conn, log: log,
		messages: make(chan message, queueLength)}
	if watchdog > 0 {
		m.period = min(quietPeriod, max(watchdog/beatsInWatchdog, time.Millisecond))
		m.reporter.feed = m.period / 2
	}
	m.sent.Go(m.send)
	return m, nil
}

// keyError is that of the log.
const keyError = "error"

// Environment is what it has set for this process, for the next launcher in it.
func (m *Manager) Environment() []string {
	if m == nil {
		return nil
	}
	return m.environment
}

// Period implements preforker.Manager.
func (m *Manager) Period() time.Duration { return m.period }

// Tell implements preforker.Manager.
func (m *Manager) Tell(condition preforker.Condition) {
	for _, text := range m.reporter.report(condition, time.Now()) {
		if len(m.messages) >= queueLength/2 && m.reporter.delays(text) {
			continue // the rest of the queue is for what has to be told
		}
		m.queue(message{text: text})
	}
}

// queue has a message sent, if the service manager reads.
func (m *Manager) queue(next message) {
	select {
	case m.messages <- next:
		m.full = false
	default:
		next.close()
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
		next.close()
	}
}

func (m *Manager) write(next message) error {
	if err := m.conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	raw, err := m.conn.SyscallConn()
	if err != nil {
		return err
	}
	var rights []byte
	if len(next.fds) > 0 {
		rights = syscall.UnixRights(next.fds...)
	}
	var sent error // WriteMsgUnix takes no rights without an address, and a connected socket has none
	err = raw.Write(func(fd uintptr) bool {
		sent = syscall.Sendmsg(int(fd), []byte(next.text), rights, nil, syscall.MSG_NOSIGNAL)
		return sent != syscall.EAGAIN && sent != syscall.EINTR
	})
	return errors.Join(err, os.NewSyscallError("sendmsg", sent))
}

// Close sends what is queued, and ends.
func (m *Manager) Close() {
	if m != nil {
		close(m.messages)
		m.sent.Wait()
		_ = m.conn.Close()
	}
}
