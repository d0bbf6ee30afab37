package main

// references are how often a file of a package refers to what another one declares.
type references map[*file]map[*file]int

// references counts those of a package's program, not of its tests.
func (p *pkg) references() references {
	declared := map[string]*file{}
	for _, f := range p.files {
		if !f.test {
			for name := range f.declared {
				declared[name] = f
			}
		}
	}
	all := references{}
	for _, f := range p.files {
		if f.test {
			continue
		}
		all[f] = map[*file]int{}
		for name, uses := range f.unresolved {
			if other := declared[name]; other != nil && other != f {
				all[f][other] += uses
			}
		}
	}
	return all
}

func (r references) sum() int {
	sum := 0
	for _, others := range r {
		for _, uses := range others {
			sum += uses
		}
	}
	return sum
}

// circular counts the files from which references lead back to them: none of those can be understood, or
// moved, without the others.
func (r references) circular() int {
	count := 0
	for from := range r {
		seen := map[*file]bool{}
		if r.leads(from, from, seen) {
			count++
		}
	}
	return count
}

func (r references) leads(from, to *file, seen map[*file]bool) bool {
	for next := range r[from] {
		if next == to {
			return true
		}
		if !seen[next] {
			seen[next] = true
			if r.leads(next, to, seen) {
				return true
			}
		}
	}
	return false
}
