package preforker

import (
	"errors"
	"slices"
)

// records hands out the records of the scoreboard.
type records struct {
	free []int
	next int
}

var errNoRecord = errors.New("every record of the scoreboard is in use")

func (r *records) take() (int, error) {
	if n := len(r.free); n > 0 {
		record := r.free[n-1]
		r.free = r.free[:n-1]
		return record, nil
	}
	if r.next == boardRecords {
		return 0, errNoRecord
	}
	r.next++
	return r.next - 1, nil
}

func (r *records) give(record int) {
	if !slices.Contains(r.free, record) {
		r.free = append(r.free, record)
	}
}
