//go:build linux

package cli

import (
	"cmp"
	"os"

	"github.com/urfave/cli/v2"
)

// environment is the Rails and the Rack environment that an application runs in.
type environment struct{ rails, rack string }

// environmentVariables name it where no option does.
var environmentVariables = []string{"RAILS_ENV", "RACK_ENV"}

// readEnvironment returns what the option says, which holds for both. Otherwise each is what its
// variable says, since some set them apart on purpose, else what the other's says, else production.
func readEnvironment(ctx *cli.Context) environment {
	return environmentOf(ctx.String(optEnvironment), os.Getenv("RAILS_ENV"), os.Getenv("RACK_ENV"))
}

func environmentOf(explicit, rails, rack string) environment {
	const standard = "production"
	return environment{rails: cmp.Or(explicit, rails, rack, standard), rack: cmp.Or(explicit, rack, rails, standard)}
}

// variables are what Ruby finds in ENV.
func (e environment) variables(urlPrefix string) []string {
	variables := []string{"RAILS_ENV=" + e.rails, "RACK_ENV=" + e.rack}
	if urlPrefix != "" {
		// Rails takes the prefix of its routes from SCRIPT_NAME, that of its assets from here.
		variables = append(variables, "RAILS_RELATIVE_URL_ROOT="+urlPrefix)
	}
	return variables
}
