package systemd

import (
	"os"
	"strconv"
	"syscall"

	"launcher/preforker/linux"
)

// storeVariable has how many descriptors a service manager keeps, since systemd 254.
const storeVariable = "FDSTORE"

// HasStore says whether the service manager has said that it keeps descriptors. Connect takes the variable away.
func HasStore() bool {
	count, err := strconv.Atoi(os.Getenv(storeVariable))
	return err == nil && count > 0
}

// Keep implements preforker.Keeper: the service manager has a copy of the socket until it is dropped, and gives it to the next launcher.
func (m *Manager) Keep(name string, socket syscall.Conn) {
	fd, err := linux.Duplicate(socket)
	if err != nil {
		m.log.Error("a socket could not be kept for the next launcher", keyError, err)
		return
	}
	m.queue(message{text: "FDSTORE=1\nFDNAME=" + name + "\nFDPOLL=0", fds: []int{fd}})
}

// Drop implements preforker.Keeper.
func (m *Manager) Drop(name string) { m.queue(message{text: "FDSTOREREMOVE=1\nFDNAME=" + name}) }
