package metrics

import (
	"fmt"
	"slices"

	"launcher/preforker/control"
)

// Compat are the servers whose exporters' names there are beside the launcher's own.
type Compat []string

// The servers that Compat can have.
const (
	CompatPuma   = "puma"
	CompatPHPFPM = "php-fpm"
)

// CompatNames are all of them.
func CompatNames() []string { return []string{CompatPuma, CompatPHPFPM} }

// ParseCompat reads names of servers.
func ParseCompat(names []string) (Compat, error) {
	for _, name := range names {
		if !slices.Contains(CompatNames(), name) {
			return nil, fmt.Errorf("%q is neither %s nor %s", name, CompatPuma, CompatPHPFPM)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(names))), nil
}

func (c Compat) families() (families []family) {
	if slices.Contains(c, CompatPuma) {
		families = append(families, pumaFamilies()...)
	}
	if slices.Contains(c, CompatPHPFPM) {
		families = append(families, fpmFamilies()...)
	}
	return families
}

// present are the slots that are not on their way out.
func present(s *control.Status) []control.SlotStatus {
	return slices.DeleteFunc(slices.Clone(s.Slots), func(slot control.SlotStatus) bool { return slot.State == control.RemovedSlot })
}

// newest returns the newest worker of a slot, nil where it has none.
func newest(slot control.SlotStatus) *control.WorkerStatus {
	if len(slot.Workers) == 0 {
		return nil
	}
	return &slot.Workers[len(slot.Workers)-1]
}

func queueOf(slot control.SlotStatus) int {
	if slot.Queue == nil {
		return 0
	}
	return *slot.Queue
}
