package systemd

import (
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"launcher/preforker"
	"launcher/preforker/core"
	"launcher/preforker/linux"
)

const (
	// extendBy is how much longer a start or a reload may take, told anew once a period while it goes on. The launcher itself bounds
	// loads (--boot-timeout).
	extendBy = 30 * time.Second
	// stopReserve is what a stop takes beside the time to drain: those who do not leave are killed.
	stopReserve = 15 * time.Second
	// extendAgain is how much time has passed at least between two such messages.
	extendAgain = quietPeriod / 2
)

// reporter makes of conditions what the service manager is told.
type reporter struct {
	watchdog bool
	feed     time.Duration // between two times that a watchdog is fed, at least
	drain    time.Duration

	ready     bool // it was told
	restarts  int  // that it was told of
	reloading bool // it was told, and not yet of the end
	stopping  bool // it was told
	status    string
	fed       time.Time // the watchdog, last
	extended  time.Time // when the time of a start or a reload was last extended
}

// report returns the messages that follow from a condition, in their order.
func (r *reporter) report(c preforker.Condition, now time.Time) (messages []string) {
	say := func(lines ...string) { messages = append(messages, strings.Join(lines, "\n")) }
	status := statusText(c)
	if status != r.status {
		r.status = status
		say("STATUS=" + status)
	}
	if r.watchdog && now.Sub(r.fed) >= r.feed {
		r.fed = now
		say(daemon.SdNotifyWatchdog)
	}
	switch {
	case c.Succeeded:
		if !r.reloading {
			r.reloading = true
			say(daemon.SdNotifyReloading, monotonic()) // the next launcher tells when it is ready
		}
		return messages
	case c.Phase >= core.PhaseStopping:
		if !r.stopping {
			r.stopping = true
			say(daemon.SdNotifyStopping, extend(r.drain+stopReserve))
		}
		return messages
	case !r.ready && answers(c):
		r.ready, r.restarts = true, c.Restarts
		say(daemon.SdNotifyReady)
		if c.Restarting {
			r.restarts-- // it goes on
		}
	}
	if r.ready && c.Restarts != r.restarts {
		r.restarts = c.Restarts
		if !r.reloading {
			r.reloading = true
			say(daemon.SdNotifyReloading, monotonic())
		}
	}
	if r.reloading && !c.Restarting {
		r.reloading = false
		say(daemon.SdNotifyReady)
	}
	if (!r.ready || r.reloading) && (c.Loading || c.Phase == core.PhaseBooting) && now.Sub(r.extended) >= extendAgain {
		r.extended = now
		say(extend(extendBy))
	}
	return messages
}

// delays says whether a message can come later, with the next condition.
func (r *reporter) delays(message string) bool {
	switch {
	case message == daemon.SdNotifyWatchdog:
		r.fed = time.Time{}
	case strings.HasPrefix(message, "STATUS="):
		r.status = ""
	default:
		return false
	}
	return true
}

// answers says whether requests are answered: at all slots, or at those whose workers come up.
func answers(c preforker.Condition) bool {
	return c.Generation > 0 || c.Served > 0 && c.Served+c.Parked+c.Waiting == c.Slots || c.Phase == core.PhaseRunning && c.Parked == c.Slots
}

func extend(by time.Duration) string { return fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", by.Microseconds()) }

// monotonic is the time of a reload, by which the service manager knows that it was begun after it had asked for it.
func monotonic() string {
	now, err := linux.Monotonic()
	if err != nil {
		return ""
	}
	return fmt.Sprintf("MONOTONIC_USEC=%d", now.Microseconds())
}

// statusText is what systemctl status shows: "4 of 4 slots are served by generation 3".
func statusText(c preforker.Condition) string {
	if c.Phase >= core.PhaseStopping {
		return fmt.Sprintf("stopping, workers that finish what they do: %d", c.Leaving)
	}
	if c.Phase == core.PhaseBooting {
		return "loading the application"
	}
	text := fmt.Sprintf("%d of %d slots are served", c.Served, c.Slots)
	if c.Generation > 0 {
		text += fmt.Sprintf(" by generation %d", c.Generation)
	}
	if c.Parked > 0 {
		text += fmt.Sprintf(", %d on demand", c.Parked)
	}
	if c.Waiting > 0 {
		text += fmt.Sprintf(", %d do not come up", c.Waiting)
	}
	switch {
	case c.Loading && c.Restarting:
		text += "; loading a new one"
	case c.Loading:
		text += "; loading again"
	case c.Restarting:
		text += "; a new one takes the slots"
	}
	return text
}
