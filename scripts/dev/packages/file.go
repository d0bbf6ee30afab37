package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// file is what one source file declares and uses.
type file struct {
	name       string // without its folder
	test       bool
	lines      int
	comment    string              // of the package
	imports    map[string]int      // path -> references to what it exports
	selectors  map[string]bool     // "os.Exit", by the last part of the path
	declared   map[string]struct{} // at the top level, without methods
	unresolved map[string]int      // names that the file uses and does not declare
	functions  map[string]int      // lines
}

func parseFile(name string) (*file, error) {
	source, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	positions := token.NewFileSet()
	tree, err := parser.ParseFile(positions, name, source, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	f := &file{name: filepath.Base(name), test: strings.HasSuffix(name, "_test.go"), lines: bytes.Count(source, []byte("\n")),
		comment: tree.Doc.Text(), imports: map[string]int{}, selectors: map[string]bool{}, declared: map[string]struct{}{}, unresolved: map[string]int{}, functions: map[string]int{}}
	names := map[string]string{} // as the file calls it -> path
	for _, spec := range tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("parse %s: %w", name, err)
		}
		f.imports[imported] = 0
		names[importName(spec, imported)] = imported
	}
	f.count(tree, names)
	for _, decl := range tree.Decls {
		f.declare(decl)
		if function, ok := decl.(*ast.FuncDecl); ok {
			f.functions[function.Name.Name] = positions.Position(decl.End()).Line - positions.Position(decl.Pos()).Line + 1
		}
	}
	return f, nil
}

// importName is what a file calls a package. Without a name of the file's own it is the end of the path,
// before which a major version stands.
func importName(spec *ast.ImportSpec, imported string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	base := path.Base(imported)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(imported))
	}
	return base
}

// count counts the references to other packages, and to names of other files.
func (f *file) count(tree *ast.File, names map[string]string) {
	ast.Inspect(tree, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		// A name that the file declares, as a variable for one, has an Obj.
		if ident, ok := selector.X.(*ast.Ident); ok && ident.Obj == nil {
			if imported, ok := names[ident.Name]; ok {
				f.imports[imported]++
				f.selectors[path.Base(imported)+"."+selector.Sel.Name] = true
			}
		}
		return true
	})
	receivers := map[*ast.Ident]bool{} // a method is a part of its type, wherever it stands
	for _, decl := range tree.Decls {
		if function, ok := decl.(*ast.FuncDecl); ok && function.Recv != nil {
			ast.Inspect(function.Recv, func(node ast.Node) bool {
				if ident, ok := node.(*ast.Ident); ok {
					receivers[ident] = true
				}
				return true
			})
		}
	}
	for _, ident := range tree.Unresolved {
		if _, ok := names[ident.Name]; !ok && !receivers[ident] {
			f.unresolved[ident.Name]++
		}
	}
}

// declare notes the names of a declaration.
func (f *file) declare(decl ast.Decl) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil {
			f.declared[decl.Name.Name] = struct{}{}
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				f.declared[spec.Name.Name] = struct{}{}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					f.declared[name.Name] = struct{}{}
				}
			}
		}
	}
	maps.DeleteFunc(f.declared, func(name string, _ struct{}) bool { return name == "_" || name == "init" })
}
