package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// module is a Go module as its source files tell.
type module struct {
	path     string
	packages []*pkg // sorted by path
}

// pkg is a package with its tests.
type pkg struct {
	path  string // with the module's
	dir   string
	files []*file
}

// load reads the module in a folder.
func load(folder string) (*module, error) {
	list := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Module", "./...")
	list.Dir = folder
	list.Stderr = os.Stderr
	output, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list packages of %s: %w", folder, err)
	}
	m := &module{}
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var listed struct {
			ImportPath, Dir string
			Module          struct{ Path string }
		}
		if err := decoder.Decode(&listed); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read list of packages: %w", err)
		}
		p := &pkg{path: listed.ImportPath, dir: listed.Dir}
		if err := p.parse(); err != nil {
			return nil, err
		}
		m.path = listed.Module.Path
		m.packages = append(m.packages, p)
	}
	slices.SortFunc(m.packages, func(a, b *pkg) int { return strings.Compare(a.path, b.path) })
	return m, nil
}

// parse reads all files of a package, whatever system they are for.
func (p *pkg) parse() error {
	names, err := filepath.Glob(filepath.Join(p.dir, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range names {
		f, err := parseFile(name)
		if err != nil {
			return err
		}
		p.files = append(p.files, f)
	}
	return nil
}

// name is a package's path within the module.
func (m *module) name(p *pkg) string {
	if p.path == m.path {
		return "."
	}
	return strings.TrimPrefix(p.path, m.path+"/")
}

// find returns the package of a path within the module, nil where there is none.
func (m *module) find(name string) *pkg {
	for _, p := range m.packages {
		if m.name(p) == name {
			return p
		}
	}
	return nil
}

// imports returns what the package's files import, sorted: with or without those of its tests.
func (p *pkg) imports(tests bool) []string {
	var paths []string
	for _, f := range p.files {
		if f.test && !tests {
			continue
		}
		for path := range f.imports {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
