package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "packages:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	folder := "."
	switch len(args) {
	case 0:
	case 1:
		folder = args[0]
	default:
		return fmt.Errorf("one folder at most is drawn, not %d", len(args))
	}
	m, err := load(folder)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "```mermaid\n%s```\n\n%s", m.graph(), m.table())
	return err
}
