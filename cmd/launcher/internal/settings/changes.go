package settings

import "slices"

// Changes returns the names of options that two files, or none (nil), say different things of.
func Changes(before, now *File) (names []string) {
	of := func(f *File) []Setting {
		if f == nil {
			return nil
		}
		return f.Settings
	}
	for _, setting := range of(before) {
		if other, is := now.Find(setting.Name); !is || !setting.equal(other) {
			names = append(names, setting.Name)
		}
	}
	for _, setting := range of(now) {
		if _, is := before.Find(setting.Name); !is {
			names = append(names, setting.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (s Setting) equal(other Setting) bool {
	return slices.EqualFunc(s.Values, other.Values, func(a, b Value) bool { return a.Text == b.Text && a.Kind == b.Kind })
}
