//go:build linux

package cli

import (
	"launcher/cmd/launcher/internal/systemd"
	"launcher/preforker"
)

// connectManager has the service manager that has started this process told how the service is. It is nil where there is none.
func connectManager(config *preforker.Config) *systemd.Manager {
	manager, err := systemd.Connect(config.DrainTimeout, config.Log)
	switch {
	case err != nil:
		config.Log.Error("the service manager will take this start for one that has failed", keyError, err)
	case manager != nil:
		config.Manager = manager
	}
	return manager
}
