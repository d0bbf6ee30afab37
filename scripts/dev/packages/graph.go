package main

import (
	"fmt"
	"slices"
	"strings"
)

// graph draws what imports what as a flowchart of Mermaid. An arrow that only repeats a longer way is
// left out, and so are packages without any. What tests import is not drawn.
func (m *module) graph() string {
	edges := map[string][]string{}
	for _, p := range m.packages {
		for _, imported := range p.imports(false) {
			if name, ok := strings.CutPrefix(imported, m.path+"/"); ok && m.find(name) != nil {
				edges[m.name(p)] = append(edges[m.name(p)], name)
			}
		}
	}
	var out strings.Builder
	out.WriteString("graph TD\n")
	for _, p := range m.packages {
		from := m.name(p)
		for _, to := range reduced(edges, from) {
			fmt.Fprintf(&out, "  %s --> %s\n", from, to)
		}
	}
	return out.String()
}

// reduced returns the edges of a node without those to nodes that another edge leads to.
func reduced(edges map[string][]string, from string) []string {
	beyond := map[string]bool{}
	var visit func(node string)
	visit = func(node string) {
		for _, next := range edges[node] {
			if !beyond[next] {
				beyond[next] = true
				visit(next)
			}
		}
	}
	for _, to := range edges[from] {
		visit(to)
	}
	return slices.DeleteFunc(slices.Clone(edges[from]), func(to string) bool { return beyond[to] })
}
