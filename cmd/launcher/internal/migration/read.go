package migration

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"launcher/preforker/smallfile"
)

//go:embed ruby
var files embed.FS

// Call is a setting that a file calls.
type Call struct {
	Line      int      `json:"line"`
	Text      string   `json:"text"` // of the line
	Name      string   `json:"name"`
	Block     bool     `json:"block"`
	Arguments []any    `json:"arguments"` // of JSON; a mapping {"unknown": true} where the value cannot be known
	Variables []string `json:"variables"` // of the environment, which may say something else
	// Apart has the variables of each argument by its place, from 0 on, and of each option by its name.
	Apart     map[string][]string `json:"apart"`
	Condition *Condition          `json:"condition"`
}

// of returns the call with the variables of some of its arguments and options alone, or with all where one of them is no part that
// is told apart.
func (c Call) of(parts ...string) Call {
	var variables []string
	for _, part := range parts {
		named, apart := c.Apart[part]
		if !apart {
			return c
		}
		for _, name := range named {
			if !slices.Contains(variables, name) {
				variables = append(variables, name)
			}
		}
	}
	c.Variables = variables
	return c
}

// Condition is where a setting holds only if something is so that cannot be known.
type Condition struct {
	Line      int    `json:"line"`
	Text      string `json:"text"`
	Otherwise bool   `json:"otherwise"` // if it is not so
}

// Line is one of a file.
type Line struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

// reading is what Ruby says of a file.
type reading struct {
	Error  string `json:"error"`
	Calls  []Call `json:"calls"`
	Unread []Line `json:"unread"`
}

const (
	// readTimeout is far more than taking a file apart needs.
	readTimeout = 20 * time.Second
	// maxFile and maxReading bound what a file has, and what is said of it.
	maxFile    = 256 << 10
	maxReading = 4 << 20
)

// program is the text that Ruby runs, with the file behind it.
func program(source []byte) ([]byte, error) {
	var all bytes.Buffer
	for _, name := range []string{"expressions", "server_file", "main"} {
		text, err := files.ReadFile("ruby/" + name + ".rb")
		if err != nil {
			return nil, fmt.Errorf("read program: %w", err)
		}
		all.Write(regexp.MustCompile(`(?m)^require_relative .*$`).ReplaceAll(text, nil))
	}
	all.WriteString("__END__\n")
	all.Write(source)
	return all.Bytes(), nil
}

// takeApart has Ruby take a file apart, which belongs to an application in a folder and an environment.
func takeApart(ctx context.Context, ruby, path, root, environment string) (found reading, err error) {
	source, err := smallfile.ReadNamed(path, maxFile)
	if err != nil {
		return found, err
	}
	text, err := program(source)
	if err != nil {
		return found, err
	}
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	cmd := exec.CommandContext(bounded, ruby, "--disable=gems,rubyopt", "-", path, root, environment)
	cmd.Stdin, cmd.Dir, cmd.WaitDelay = bytes.NewReader(text), "/", time.Second
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "RUBY") || strings.HasPrefix(v, "BUNDLE") })
	var out, trouble bounds
	cmd.Stdout, cmd.Stderr = &out, &trouble
	if err := cmd.Run(); err != nil {
		said, _, _ := strings.Cut(trouble.text.String(), "\n")
		return found, fmt.Errorf("have Ruby take it apart: %w: %s", err, said)
	}
	if err := json.Unmarshal(out.text.Bytes(), &found); err != nil {
		return found, fmt.Errorf("hear what Ruby says of it: %w", err)
	}
	if found.Error != "" {
		return found, errors.New(found.Error)
	}
	return found, nil
}

// bounds keeps as much of an output as there is use for.
type bounds struct{ text bytes.Buffer }

func (b *bounds) Write(p []byte) (int, error) {
	if room := maxReading - b.text.Len(); room > 0 {
		b.text.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
