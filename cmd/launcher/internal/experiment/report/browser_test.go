//go:build linux

package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// chromium renders the page and gives what it printed. It ends with all its processes,
// which are in a group of their own: it leaves some behind where it is killed.
func chromium(t *testing.T, arguments ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v (install it: make test-deps)", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, path, append([]string{"--headless", "--no-sandbox", "--disable-gpu",
		"--hide-scrollbars", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
		"--user-data-dir=" + t.TempDir()}, arguments...)...)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	// What outlives it may hold its output open.
	command.WaitDelay = 10 * time.Second
	var out, log bytes.Buffer
	command.Stdout, command.Stderr = &out, &log
	err = command.Run()
	if killed := syscall.Kill(-command.Process.Pid, syscall.SIGKILL); killed != nil && !errors.Is(killed, syscall.ESRCH) {
		t.Errorf("end the rest of chromium: %v", killed)
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("chromium: %v\n%s", err, log.String())
	}
	return out.Bytes()
}

// screenshot is the page as a person sees it.
func screenshot(t *testing.T, page string, width, height int, arguments ...string) image.Image {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.png")
	chromium(t, append(arguments, "--screenshot="+file, fmt.Sprintf("--window-size=%d,%d", width, height), "file://"+page)...)
	read, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := png.Decode(bytes.NewReader(read))
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// pixels is how many have a colour, but for a hair.
func pixels(seen image.Image, want color.RGBA) int {
	plain := image.NewRGBA(seen.Bounds())
	draw.Draw(plain, plain.Bounds(), seen, seen.Bounds().Min, draw.Src)
	near := func(a, b uint8) bool { return max(a, b)-min(a, b) <= 4 }
	count := 0
	for i := 0; i < len(plain.Pix); i += 4 {
		if near(plain.Pix[i], want.R) && near(plain.Pix[i+1], want.G) && near(plain.Pix[i+2], want.B) {
			count++
		}
	}
	return count
}

// The lines of every method are seen: each is hundreds of pixels long.
func TestABrowserShowsTheGraphs(t *testing.T) {
	page := filepath.Join(write(t, full()), PageFile)
	const enough = 200
	for name, view := range map[string]struct {
		width     int
		arguments []string
		shade     func(style) color.RGBA
	}{
		"light": {1100, []string{"--blink-settings=preferredColorScheme=1"}, func(s style) color.RGBA { return s.color }},
		"dark":  {1100, []string{"--blink-settings=preferredColorScheme=0"}, func(s style) color.RGBA { return parseColor(t, s.dark) }},
		"phone": {500, []string{"--blink-settings=preferredColorScheme=1"}, func(s style) color.RGBA { return s.color }},
	} {
		t.Run(name, func(t *testing.T) {
			seen := screenshot(t, page, view.width, 1400, view.arguments...)
			for _, method := range full().Methods[:5] {
				if got := pixels(seen, view.shade(styleOf(method, 0))); got < enough {
					t.Errorf("%s has %d pixels", method, got)
				}
			}
			past := past()
			if name == "dark" {
				past = parseColor(t, "#9AA3AD")
			}
			if got := pixels(seen, past); got < 100 {
				t.Errorf("the lines of 2007 have %d pixels", got)
			}
		})
	}
}

func parseColor(t *testing.T, text string) color.RGBA {
	t.Helper()
	c := color.RGBA{A: 0xFF}
	if _, err := fmt.Sscanf(text, "#%02X%02X%02X", &c.R, &c.G, &c.B); err != nil {
		t.Fatalf("colour %q: %v", text, err)
	}
	return c
}

// The page has no script of its own, and its policy lets none run, so what measures the
// graph's parts is a page around it.
func TestABrowserMakesElementsOfTheGraphs(t *testing.T) {
	dir := write(t, full())
	around := filepath.Join(dir, "around.html")
	script := `<iframe src="report.html" width="1000" height="1000" onload="
		const page = this.contentDocument;
		for (const id of ['graph-title', 'graph-time-title']) {
			const svg = page.getElementById(id).ownerSVGElement;
			const boxes = [...svg.querySelectorAll('path')].map(p => p.getBoundingClientRect());
			const p = document.createElement('p');
			p.textContent = id + ' ' + svg.getAttribute('role') + ' wide ' +
				boxes.filter(b => b.width > 50 && b.height > 2).length + ' of ' + boxes.length;
			document.body.append(p);
		}
		const tables = [...page.querySelectorAll('table')];
		const said = document.createElement('p');
		said.textContent = 'tables ' + tables.length + ' captions ' + tables.filter(t => t.caption).length +
			' unscoped ' + page.querySelectorAll('th:not([scope])').length +
			' overflow ' + (page.documentElement.scrollWidth > page.documentElement.clientWidth);
		document.body.append(said);
		"></iframe>`
	if err := os.WriteFile(around, []byte("<!DOCTYPE html><body>"+script+"</body>"), 0o644); err != nil {
		t.Fatal(err)
	}
	dom := string(chromium(t, "--allow-file-access-from-files", "--virtual-time-budget=10000", "--dump-dom", "file://"+around))
	for id, lowest := range map[string]int{"graph-title": 6, "graph-time-title": 5} {
		var wide, of int
		found := regexp.MustCompile("<p>" + id + ` img wide (\d+) of (\d+)</p>`).FindString(dom)
		if _, err := fmt.Sscanf(found, "<p>"+id+" img wide %d of %d</p>", &wide, &of); err != nil || wide < lowest {
			t.Errorf("%s: %d wide paths of %d in %q", id, wide, of, dom)
		}
	}
	if !strings.Contains(dom, "<p>tables 9 captions 9 unscoped 0 overflow false</p>") {
		t.Errorf("the tables: %s", dom)
	}
}

// On a phone the graphs are all in sight, with letters that can be read.
func TestABrowserCutsNoGraph(t *testing.T) {
	dir := write(t, full())
	var script strings.Builder
	for _, width := range []int{320, 360, 560, 700, 1000} {
		fmt.Fprintf(&script, `<iframe src="report.html" width="%d" height="900" onload="
			const page = this.contentDocument, room = page.documentElement.clientWidth;
			const svgs = [...page.querySelectorAll('svg')].filter(s => s.getBoundingClientRect().width > 0);
			const cut = svgs.filter(s => s.getBoundingClientRect().right > room || s.parentElement.parentElement.scrollWidth > s.parentElement.parentElement.clientWidth);
			const letters = svgs.map(s => Math.min(...[...s.querySelectorAll('text')].map(t => t.getBoundingClientRect().height)));
			const out = svgs.map(s => [...s.querySelectorAll('text')].filter(t => t.getBoundingClientRect().right > s.getBoundingClientRect().right).length);
			const p = document.createElement('p');
			p.textContent = 'at %d: ' + svgs.length + ' graphs, ' + cut.length + ' cut, ' + out.reduce((a, b) => a + b) + ' texts cut, ' +
				(Math.min(...letters) >= 10 ? 'readable' : 'too small: ' + letters);
			document.body.append(p);
			"></iframe>`, width, width)
	}
	around := filepath.Join(dir, "around.html")
	if err := os.WriteFile(around, []byte("<!DOCTYPE html><body>"+script.String()+"</body>"), 0o644); err != nil {
		t.Fatal(err)
	}
	dom := string(chromium(t, "--allow-file-access-from-files", "--virtual-time-budget=10000", "--dump-dom", "file://"+around))
	for _, width := range []int{320, 360, 560, 700, 1000} {
		if want := fmt.Sprintf("<p>at %d: 4 graphs, 0 cut, 0 texts cut, readable</p>", width); !strings.Contains(dom, want) {
			t.Errorf("no %q in %s", want, regexp.MustCompile(`<p>at [^<]*</p>`).FindAllString(dom, -1))
		}
	}
}

// Nothing that an experiment met may run, or load anything, in its reader's browser.
func TestABrowserRunsNothingOfHostileTexts(t *testing.T) {
	dir := write(t, hostile())
	dom := string(chromium(t, "--dump-dom", "file://"+filepath.Join(dir, PageFile)))
	if strings.Contains(dom, "<script") || !strings.Contains(dom, "a&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Errorf("the page is %s", dom)
	}
	if regexp.MustCompile(`(?:src|href)=|url\(|@import`).MatchString(dom) {
		t.Error("the page loads something")
	}
}
