//go:build linux

// Command launcher runs a Rails or Rack application as forked FastCGI workers
// behind a web server.
package main

import (
	"os"
)

func main() {
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}
