package hint

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestErrorHasItsHintApart(t *testing.T) {
	err := Errorf("name another file", "read %s: %w", "f", fs.ErrNotExist)
	if err.Error() != "read f: file does not exist" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if got := Of(fmt.Errorf("start: %w", err)); got != "name another file" {
		t.Errorf("the hint is %q", got)
	}
	if got := Of(fs.ErrNotExist) + Of(nil); got != "" {
		t.Errorf("an error without one has the hint %q", got)
	}
}
