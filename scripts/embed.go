package scripts

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
)

//go:embed *.rb checks/*.rb fastcgi/*.rb memory/*.rb memory/rails_warmup/*.rb refork/*.rb worker/*.rb
var files embed.FS

// programSize is somewhat more than the program has, in bytes.
const programSize = 384 << 10

// prefix names the files in backtraces: launcher/worker.rb.
const prefix = "launcher/"

// Program is the text to give to Ruby: boot.rb, then the settings and every file
// that main.rb needs, those it needs first. What is needed later only is not evaluated
// before that (later.rb). A setting's value may hold any bytes.
func Program(settings map[string]string) ([]byte, error) {
	boot, err := files.ReadFile("boot.rb")
	if err != nil {
		return nil, fmt.Errorf("read boot.rb: %w", err)
	}
	program := bytes.NewBuffer(boot)
	program.Grow(programSize)
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		frame(program, "setting", name, []byte(settings[name]))
	}
	order, err := orderFrom("main.rb")
	if err != nil {
		return nil, err
	}
	for _, file := range order.now {
		frame(program, "file", prefix+file.name, file.text)
	}
	for _, file := range order.later {
		frame(program, "later", prefix+file.name, file.text)
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
