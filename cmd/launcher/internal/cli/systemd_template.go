//go:build linux

package cli

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"launcher/cmd/launcher/internal/systemd"
)

// templateOptions are those that say what the unit of a template is to be. All others are those of an application.
var templateOptions = []string{optUnitTemplate, optUnitName, optUnitFolder, optSystemdVersion, optUser, optGroup}

// readTemplate reads what the unit is to be that any number of applications have. Their options are variables.
func readTemplate(ctx *cli.Context) (systemd.Service, error) {
	name := "launcher"
	if ctx.IsSet(optUnitName) {
		name = ctx.String(optUnitName)
	}
	service := systemd.Template(name)
	if !unitName().MatchString(name) {
		return service, usageErrorf("--name launcher", "read --%s: %q is not what a unit can be called", optUnitName, name)
	}
	if ctx.NArg() > 0 {
		return service, usageErrorf(fmt.Sprintf("%s=%s in %s", webConcurrency, ctx.Args().First(), service.Files[1]),
			"read command line: a template has no NUM: each application has its own")
	}
	typed := map[string]string{} // what the environment and a file say is an application's
	for _, option := range lineOf(ctx).options {
		if option.variable != "" || option.from != nil {
			continue
		}
		name := option.name()
		if !slices.Contains(templateOptions, name) {
			return service, usageErrorf(fmt.Sprintf("%s=… in %s", env(name)[0], service.Files[1]), "read --%s: it is an application's, and this unit is for all", name)
		}
		typed[name] = option.value
	}
	program, err := os.Executable()
	if err != nil {
		return service, fmt.Errorf("find this program: %w", err)
	}
	service.Command, service.Restart, service.Kept = []string{program}, []string{program, "restart"}, keptSockets
	for _, variable := range []struct{ name, value string }{
		{env(optRoot)[0], service.Root}, {env(optSocketDir)[0], service.SocketDir}, {env(optKeepSockets)[0], "true"},
	} {
		service.Environment = append(service.Environment, variable.name+"="+variable.value)
	}
	service.User, service.Group = cmp.Or(typed[optUser], service.User), typed[optGroup]
	service.Boot, service.Drain = 90*time.Second, 30*time.Second // for more the launcher asks by itself
	service.Version, err = systemdVersion(ctx)
	return service, err
}
