//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/cmd/launcher/internal/dashboard/browsertest"
	"launcher/preforker/control"
)

const dashboardToken = "a-token-that-nobody-guesses"

// tokenFile is a file with a token for the dashboard.
func tokenFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(dashboardToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDashboard in a browser: it shows what status says, follows a worker's death without being read again, and only who
// has signed in has buttons, which do what they say.
func TestDashboard(t *testing.T) {
	t.Parallel()
	port := freePorts(t, 1)
	at := fmt.Sprintf("127.0.0.1:%d", port)
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"2", "--dashboard", at, "--dashboard-token", tokenFile(t)}}).serving()
	in.waitLine(`msg="the dashboard is served" url=http://` + at + `/`)
	for range 3 {
		ask(t, in.socket(1), "/?secret=1")
	}
	browser := browsertest.Start(t)
	page := browser.Open("http://"+at+"/", browsertest.View{Width: 1280})
	status := in.statusWhen("all to be measured", func(s control.Status) bool {
		return allMeasured(s) && s.Slots[1].Served == 3
	})
	row := func(slot int) string {
		return fmt.Sprintf("[...document.querySelectorAll('.slots tbody tr')].filter(r => r.cells[0].textContent == %d).map(r => r.textContent).join(' ')", slot)
	}
	for slot, s := range status.Slots {
		w := s.Workers[0]
		for _, part := range []string{fmt.Sprint(w.Pid), "idle", fmt.Sprint(s.Served)} {
			page.Wait(fmt.Sprintf("(%s).includes(%q)", row(slot), part))
		}
	}
	page.Wait(`document.querySelector('[data-part=head]').textContent.includes("running") && document.title.startsWith("hello")`)
	if buttons := page.Text("document.querySelectorAll('button').length"); buttons != "0" {
		t.Errorf("%s buttons for who has not signed in", buttons)
	}

	page.Text("window.stays = true")
	page.Wait("document.getElementById('live').textContent == 'live,'")
	victim := status.Slots[0].Workers[0].Pid
	kill(t, victim, syscall.SIGKILL)
	page.Wait(fmt.Sprintf("document.querySelector('[data-part=marks]').textContent.includes('slot 0: worker %d')", victim))
	page.Wait(fmt.Sprintf("!(%s).includes('%d') && (%s).includes('idle')", row(0), victim, row(0)))
	page.Wait(fmt.Sprintf("document.querySelector('[data-part=said]').textContent.includes('%d')", victim))
	if page.Text("window.stays") != "true" {
		t.Error("the page was read again")
	}
	page.Shot("launcher death")

	page.Go("http://anybody:" + dashboardToken + "@" + at + "/admin/")
	page.Wait("document.querySelectorAll('#restart button').length == 1")
	second := in.worker(1)
	page.Text(fmt.Sprintf("document.querySelector('#k%d button').click()", second))
	page.Wait("document.body.textContent.includes('The worker was killed')")
	in.statusWhen("another worker in slot 1", func(s control.Status) bool {
		return len(s.Slots[1].Workers) == 1 && s.Slots[1].Workers[0].Pid != second
	})
	page.Text("document.querySelector('#restart button').click()")
	in.waitLine(`gen=2 .*`)
	page.Wait("document.querySelector('[data-part=marks]').textContent.includes('generation 2 loaded')")
	for _, said := range page.Complaints() {
		switch {
		case strings.Contains(said, "401 (Unauthorized)"): // by which it has asked for the token
		case strings.Contains(said, "ERR_INCOMPLETE_CHUNKED_ENCODING"): // it has not read for too long, and follows again
		default:
			t.Error(said)
		}
	}
	in.signal(syscall.SIGTERM) // while the page follows
	in.gone(0)
}

// TestDashboardAtTheControlSocket needs no option, and is not kept from who may connect.
func TestDashboardAtTheControlSocket(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"1"}}).serving()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", filepath.Join(in.root, "log", control.SocketName))
	}}}
	got := fetch(client, http.MethodGet, "http://launcher/", nil).expect(t, 200)
	if !strings.Contains(got.body, fmt.Sprint(in.worker(0))) || strings.Contains(got.body, "<button") {
		t.Errorf("%s", got.body)
	}
	fetch(client, http.MethodPost, "http://launcher/admin/dashboard/restart", nil).expect(t, 403)
	fetch(client, http.MethodGet, "http://evil.example/", nil).expect(t, 421)
	in.signal(syscall.SIGTERM)
	in.gone(0)
}

// TestDashboardIsNotHeldUp by clients that have said half of what they want, which are told to ask again, nor by streams that nobody reads,
// the oldest of which gives way.
func TestDashboardIsNotHeldUp(t *testing.T) {
	t.Parallel()
	at := fmt.Sprintf("127.0.0.1:%d", freePorts(t, 1))
	in := start(t, startOptions{root: copyApp(t, "hello"), args: []string{"1", "--dashboard", at, "--dashboard-token", tokenFile(t)}}).serving()
	says := func(text string) net.Conn {
		conn, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	for n := range 24 {
		answer, err := http.ReadResponse(bufio.NewReader(says("GET /dashboard/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")), nil)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("stream %d: %v, %+v", n, err, answer)
		}
	}
	var half []net.Conn
	for n := range 64 {
		half = append(half, says([]string{"GET / HTTP/1.1\r\nHost: localhost\r\n",
			"POST /admin/dashboard/restart HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nkey="}[n%2]))
	}
	fetch(client(), http.MethodGet, "http://"+at+"/", nil).expect(t, 200)
	again := 0
	for _, conn := range half {
		if answer, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil && answer.Header.Get("Retry-After") == "0" {
			again++
		}
	}
	if again == 0 {
		t.Error("no half request has given way")
	}
	in.signal(syscall.SIGTERM)
	in.gone(0)
}

// TestDashboardThatAnybodyCouldRead is refused, and so is a token that could be guessed.
func TestDashboardThatAnybodyCouldRead(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := fmt.Sprintf("0.0.0.0:%d", freePorts(t, 1))
	for _, test := range []struct {
		args []string
		says string
		exit int
	}{
		{[]string{"--dashboard", free}, "is not loopback, and everybody who can connect could read the page", exitUsage},
		{[]string{"--dashboard", "9394"}, "is not an address with a port", exitUsage},
		{[]string{"--dashboard", taken.Addr().String()}, "serve the dashboard: ", exitFailed}, // another launcher may still be there
		{[]string{"--dashboard-token", short}, "has a token of 5 bytes", exitUsage},
		{[]string{"--dashboard-token", short + ".missing"}, "no such file", exitUsage},
	} {
		a := askLauncher(t, startOptions{root: root, args: append([]string{"1"}, test.args...)}, nil)
		if a.exit != test.exit || !strings.Contains(a.stderr, test.says) || !strings.Contains(a.stderr, "Try: ") {
			t.Errorf("%q: %+v", test.args, a)
		}
	}
	for _, test := range []struct {
		args          []string
		open, proxied int
	}{
		{[]string{"--dashboard-public"}, 200, 421},
		{[]string{"--dashboard-token", tokenFile(t)}, 401, 200},
	} {
		in := start(t, startOptions{root: root, args: append([]string{"1", "--dashboard", free}, test.args...)}).serving()
		url := strings.Replace("http://"+free+"/", "0.0.0.0", "127.0.0.1", 1)
		fetch(client(), http.MethodGet, url, nil).expect(t, test.open)
		if status := statusOfProxied(t, url); status != test.proxied {
			t.Errorf("%q, by another name: %d", test.args, status)
		}
		in.signal(syscall.SIGTERM)
		in.gone(0)
	}
}

// statusOfProxied is the status of a page that a proxy asks for by its own name, with the token.
func statusOfProxied(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "shop.example"
	request.Header.Set("Authorization", "Bearer "+dashboardToken)
	answer, err := client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}
