//go:build linux

package cli

import (
	"os"

	"golang.org/x/term"
)

func isTerminal(file *os.File) bool { return term.IsTerminal(int(file.Fd())) }

// canErase says whether a file is a terminal that can erase a line.
func canErase(file *os.File) bool { return isTerminal(file) && os.Getenv("TERM") != "dumb" }

// terminalWidth returns a terminal's width in columns, and another where there is no terminal.
func terminalWidth(file *os.File, otherwise int) int {
	if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
		return width
	}
	return otherwise
}

// tableWidth is the width of a table where there is no terminal.
const tableWidth = 120
