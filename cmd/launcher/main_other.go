//go:build !linux

package main

import (
	"fmt"
	"os"
	"runtime"
)

func main() {
	fmt.Fprintf(os.Stderr, "launcher: start: this is %s, and the launcher runs on Linux\n"+
		"  it forks workers from a loaded application, and relies on pidfds, memory files and child\n"+
		"  subreapers; Windows has no fork at all, other systems lack the rest\n"+
		"Try: run it on Linux 5.10 or later, also in a container or a virtual machine\n", runtime.GOOS)
	os.Exit(1)
}
