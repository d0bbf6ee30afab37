//go:build linux

package proc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

const kB, mB = 1 << 10, 1 << 20

func TestParseRollup(t *testing.T) {
	forked := Usage{RSS: 61440 * kB, PSS: 30125 * kB, Private: (512 + 19968) * kB, Swap: 1024 * kB}
	withoutSwapPSS := forked
	withoutSwapPSS.Swap = 3072 * kB
	for name, want := range map[string]Usage{
		"smaps_rollup-4.19":            forked,
		"smaps_rollup-5.10":            forked, // Private_Hugetlb does not count
		"smaps_rollup-6.1":             forked,
		"smaps_rollup-6.18":            {RSS: 4324 * kB, PSS: 947 * kB, Private: (4 + 340) * kB},
		"smaps_rollup-without-SwapPss": withoutSwapPSS,
	} {
		got, err := ParseRollup(fixture(t, name))
		if got != want || err != nil {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}
}

func TestParseRollupRefuses(t *testing.T) {
	whole := string(fixture(t, "smaps_rollup-6.1"))
	for _, test := range []struct{ old, new, want string }{
		{"Rss:  ", "Rsx:  ", "find Rss: no such line"},
		{"Pss:  ", "Psx:  ", "find Pss: no such line"},
		{"Private_Clean", "Private_Clear", "find Private_Clean: no such line"},
		{"Private_Dirty", "Private_Dusty", "find Private_Dirty: no such line"},
		{"61440 kB", "61440 MB", "parse Rss: .*not in kB"},
		{"61440 kB", "61440", "parse Rss: .*not in kB"},
		{"61440 kB", " kB", "parse Rss: .*invalid syntax"},
		{"61440 kB", "-1 kB", "parse Rss: .*invalid syntax"},
		{"61440 kB", "18446744073709551616 kB", "parse Rss: .*out of range"},
		{"61440 kB", "18014398509481984 kB", "parse Rss: .*too much"},
		{"61440 kB", "4096 kB", "private pages .* exceed Rss"},
		{"Pss_File:", "Pss:", "parse Pss: it comes twice"},
		{"[rollup]", strings.Repeat("x", maxText), "text has more than"},
		{whole, "\n", "no such line"},
		{whole, "", "process is gone"},
	} {
		text := strings.Replace(whole, test.old, test.new, 1)
		_, err := ParseRollup([]byte(text))
		if !matches(err, test.want) {
			t.Errorf("%.20q for %.20q: %v, want %s", test.new, test.old, err, test.want)
		}
	}
}

func TestOfFollowsGrowth(t *testing.T) {
	const megabytes = 48
	child := startHelper(t, helpGrow)
	child.expect("ready")
	before, err := Of(child.pid())
	if err != nil {
		t.Fatal(err)
	}
	faultsBefore := faults(t, child.pid())
	child.send(strconv.Itoa(megabytes))
	child.expect("grown")
	after, err := Of(child.pid())
	if err != nil {
		t.Fatal(err)
	}
	// The rest is what Go's runtime does meanwhile.
	const tolerance = 3 * mB
	near(t, "growth of Private", after.Private-before.Private, megabytes*mB, tolerance)
	near(t, "growth of RSS", after.RSS-before.RSS, megabytes*mB, tolerance)
	near(t, "growth of PSS", after.PSS-before.PSS, megabytes*mB, tolerance)
	grown := (faults(t, child.pid()) - faultsBefore) * uint64(os.Getpagesize())
	near(t, "faults", grown, megabytes*mB, tolerance)
}

func faults(t *testing.T, pid int) uint64 {
	t.Helper()
	p, err := ProcessOf(pid)
	if err != nil {
		t.Fatal(err)
	}
	return p.Faults
}

// The same sums, made by awk of the mappings one by one.
func TestOfAgreesWithSmaps(t *testing.T) {
	child := startHelper(t, helpGrow)
	child.expect("ready")
	child.send("20")
	child.expect("grown")
	got, err := Of(child.pid())
	if err != nil {
		t.Fatal(err)
	}
	const sum = `/^Rss:/ { rss += $2 } /^Pss:/ { pss += $2 } /^Private_(Clean|Dirty):/ { private += $2 }
		/^SwapPss:/ { swap += $2 } END { print rss, pss, private, swap }`
	out, err := exec.Command("awk", sum, procPath(child.pid(), "smaps")).CombinedOutput()
	if err != nil {
		t.Fatalf("awk: %v: %s", err, out)
	}
	var rss, pss, private, swap uint64
	if _, err := fmt.Sscan(string(out), &rss, &pss, &private, &swap); err != nil {
		t.Fatalf("awk said %q: %v", out, err)
	}
	// Pss is cut to kB in each mapping, and what is shared moves when others, awk among
	// them, start and end.
	const tolerance = 1 * mB
	near(t, "RSS", got.RSS, rss*kB, tolerance)
	near(t, "PSS", got.PSS, pss*kB, tolerance)
	near(t, "Private", got.Private, private*kB, tolerance)
	near(t, "Swap", got.Swap, swap*kB, tolerance)
}

func TestOfWhoIsGone(t *testing.T) {
	zombie := startHelper(t, helpGrow)
	zombie.expect("ready")
	if err := zombie.input.Close(); err != nil {
		t.Fatal(err)
	}
	zombie.awaitZombie()
	if _, err := Of(zombie.pid()); !errors.Is(err, ErrGone) {
		t.Errorf("a zombie: %v, want ErrGone", err)
	}
	if p, err := ProcessOf(zombie.pid()); err != nil || !p.Zombie() {
		t.Errorf("ProcessOf a zombie: %+v, %v", p, err)
	}
	if err := zombie.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := Of(zombie.pid()); !errors.Is(err, ErrGone) {
		t.Errorf("ended: %v, want ErrGone", err)
	}
	if _, err := ProcessOf(zombie.pid()); !errors.Is(err, ErrGone) {
		t.Errorf("ProcessOf who ended: %v, want ErrGone", err)
	}
	if title := Title(zombie.pid()); title != "" {
		t.Errorf("title of who ended: %q", title)
	}
	if _, err := Of(0); !errors.Is(err, ErrGone) {
		t.Errorf("no process: %v, want ErrGone", err)
	}
}

func TestOfWhoBelongsToAnother(t *testing.T) {
	helper := startUnprivileged(t, helpRead)
	helper.expect("permission denied: true")
}

func TestOfAllocatesLittle(t *testing.T) {
	pid := os.Getpid()
	allocations := testing.AllocsPerRun(20, func() {
		if _, err := Of(pid); err != nil {
			t.Error(err)
		}
	})
	if allocations > 4 {
		t.Errorf("Of allocates %v times", allocations)
	}
}
