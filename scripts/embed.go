package scripts

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"regexp"
	"slices"
)

//go:embed *.rb checks/*.rb fastcgi/*.rb memory/*.rb memory/rails_warmup/*.rb refork/*.rb worker/*.rb
var files embed.FS

// prefix names the files in backtraces: launcher/worker.rb.
const prefix = "launcher/"

// relative matches the lines by which a file names those that it needs. They
// order the files here and are blanked, because what is evaluated has no folder.
var relative = regexp.MustCompile(`(?m)^require_relative "([^"]+)"$`)

// Program is the text to give to Ruby: boot.rb, then the settings and every file
// that main.rb needs, those it needs first. A setting's value may hold any bytes.
func Program(settings map[string]string) ([]byte, error) {
	boot, err := files.ReadFile("boot.rb")
	if err != nil {
		return nil, fmt.Errorf("read boot.rb: %w", err)
	}
	program := bytes.NewBuffer(boot)
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		frame(program, "setting", name, []byte(settings[name]))
	}
	order := &order{seen: map[string]bool{}}
	if err := order.add("main.rb"); err != nil {
		return nil, err
	}
	for _, name := range order.names {
		source, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		frame(program, "file", prefix+name, relative.ReplaceAll(source, nil))
	}
	return program.Bytes(), nil
}

// BeginsWith says whether a line is the first of the program: whoever prints that has not run it.
func BeginsWith(line string) bool {
	boot, err := files.ReadFile("boot.rb")
	first, _, _ := bytes.Cut(boot, []byte("\n"))
	return err == nil && line == string(first)
}

func frame(program *bytes.Buffer, kind, name string, body []byte) {
	fmt.Fprintf(program, "%s %s %d\n", kind, name, len(body))
	program.Write(body)
	program.WriteByte('\n')
}

// order is the files in the order of their needs.
type order struct {
	names []string
	seen  map[string]bool
}

func (o *order) add(name string) error {
	if o.seen[name] {
		return nil
	}
	o.seen[name] = true
	source, err := files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	for _, match := range relative.FindAllSubmatch(source, -1) {
		if err := o.add(path.Join(path.Dir(name), string(match[1])) + ".rb"); err != nil {
			return fmt.Errorf("order %s: %w", name, err)
		}
	}
	o.names = append(o.names, name)
	return nil
}
