//go:build linux

package proc

import "testing"

func TestLeft(t *testing.T) {
	stat := "anon 5\nfile 30\ninactive_file 20\nactive_file 10\n"
	for _, test := range []struct {
		limit, used uint64
		stat        string
		want        uint64
	}{
		{100, 60, stat, 60}, {100, 60, "", 40}, {100, 10, stat, 100}, {50, 200, stat, 0}, {100, 60, "inactive_file x\nnonsense\n", 40},
	} {
		if got := left(test.limit, test.used, []byte(test.stat)); got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
	}
}

func TestAvailableIsTheMachinesAtMost(t *testing.T) {
	available, err := Available()
	if err != nil {
		t.Fatal(err)
	}
	machine, err := Machine()
	if err != nil || available == 0 || available > machine.Total {
		t.Errorf("%d of %d, %v", available, machine.Total, err)
	}
}

func FuzzLeft(f *testing.F) {
	f.Add(uint64(100), uint64(60), []byte("inactive_file 20\n"))
	f.Fuzz(func(t *testing.T, limit, used uint64, stat []byte) {
		if got := left(limit, used, stat); got > limit {
			t.Errorf("%d of %d", got, limit)
		}
	})
}
