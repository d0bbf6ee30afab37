//go:build linux

package cli

import (
	"strings"

	"github.com/urfave/cli/v2"

	"launcher/preforker/ruby"
)

const optProbe = "probe"

func probeFlag() cli.Flag {
	return &cli.StringFlag{Name: optProbe, EnvVars: env(optProbe), Value: "auto",
		Usage: "`PATH` that a worker of a new release, and the first fork of a refork that was asked for, asks the application for before it takes a slot; auto: /up where that is Rails' health check, off: none"}
}

// probePath reads auto, off, or a path.
func probePath(text string) (string, error) {
	switch word := strings.ToLower(strings.TrimSpace(text)); {
	case word == "auto":
		return "", nil
	case word == ruby.ProbeOff:
		return ruby.ProbeOff, nil
	case target.MatchString(text):
		return text, nil
	}
	return "", usageErrorf("--probe /up, auto or off", "read --%s: %q is neither a path nor auto nor off", optProbe, text)
}
