package scripts

import (
	"bytes"
	"fmt"
	"path"
	"strings"
)

// need begins a line by which a file names one that it needs. Such lines order the files here and are blanked, because
// what is evaluated has no folder. The comment is on those that name what is needed only later.
const (
	need         = "\nrequire_relative "
	laterComment = " # later"
)

// file is one of the program, without the lines by which it names others.
type file struct {
	name string
	text []byte
}

// order is the files in the order of their needs.
type order struct {
	now     []file
	later   []file // what nothing needs but later
	seen    map[string]bool
	waiting []string // names of those that something needs later
}

// orderFrom orders a file and all that it needs.
func orderFrom(name string) (*order, error) {
	o := &order{seen: map[string]bool{}}
	if err := o.add(name, &o.now); err != nil {
		return nil, err
	}
	for len(o.waiting) > 0 {
		name, o.waiting = o.waiting[0], o.waiting[1:]
		if err := o.add(name, &o.later); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// add puts a file behind those that it needs.
func (o *order) add(name string, to *[]file) error {
	if o.seen[name] {
		return nil
	}
	o.seen[name] = true
	rest, err := files.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	text := make([]byte, 0, len(rest))
	for {
		before, line, after := cutNeed(rest)
		text = append(text, before...)
		if line == "" {
			*to = append(*to, file{name, text})
			return nil
		}
		rest = after
		needed, later := strings.CutSuffix(line, laterComment)
		needed = path.Join(path.Dir(name), strings.Trim(needed, `"`)) + ".rb"
		if later {
			o.waiting = append(o.waiting, needed)
		} else if err := o.add(needed, to); err != nil {
			return fmt.Errorf("order %s: %w", name, err)
		}
	}
}

// cutNeed returns the text before the next line that names a file, what that line names, and the text behind it.
func cutNeed(text []byte) (before []byte, line string, after []byte) {
	at := bytes.Index(text, []byte(need))
	if at < 0 {
		return text, "", nil
	}
	after = text[at+len(need):]
	end := bytes.IndexByte(after, '\n')
	if end < 0 {
		end = len(after)
	}
	return text[:at+1], string(after[:end]), after[end:]
}
