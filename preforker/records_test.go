package preforker

import (
	"errors"
	"testing"
)

func TestRecords(t *testing.T) {
	r := &records{}
	for want := range boardRecords {
		if got, err := r.take(); got != want || err != nil {
			t.Fatalf("record %d, %v, want %d", got, err, want)
		}
	}
	if _, err := r.take(); !errors.Is(err, errNoRecord) {
		t.Errorf("%v", err)
	}
	r.give(7)
	r.give(7) // twice is once: two workers must not write one record
	if got, err := r.take(); got != 7 || err != nil {
		t.Errorf("record %d, %v", got, err)
	}
	if _, err := r.take(); !errors.Is(err, errNoRecord) {
		t.Errorf("%v", err)
	}
}
