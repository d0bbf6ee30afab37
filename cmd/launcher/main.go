//go:build linux

package main

import (
	"os"

	"launcher/cmd/launcher/internal/cli"
)

// version is set by the build: -ldflags "-X main.version=$(git describe)".
var version string

func main() {
	os.Exit(cli.Run(version, os.Args, os.Stdout, os.Stderr))
}
