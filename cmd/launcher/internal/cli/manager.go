//go:build linux

package cli

import (
	"launcher/cmd/launcher/internal/systemd"
	"launcher/preforker"
)

// connectManager has the service manager that has started this process told how the service is, and keep its sockets. It is nil where there
// is none. The sockets are those that it has started this process with.
func connectManager(config *preforker.Config, keep bool) (*systemd.Manager, *givenSockets, error) {
	given, err := takeGiven(config.Workers)
	if err != nil {
		return nil, nil, err
	}
	config.Given = given.slots
	keep = systemd.HasStore() || keep
	manager, err := systemd.Connect(config.DrainTimeout, config.Log)
	switch {
	case err != nil:
		config.Log.Error("the service manager will take this start for one that has failed", keyError, err)
	case manager != nil:
		config.Manager = manager
		if keep {
			config.Keeper = manager
			given.dropSpare(manager)
		}
	case keep:
		config.Log.Warn("no effect without a service manager (NOTIFY_SOCKET): --" + optKeepSockets)
	}
	return manager, given, nil
}
