//go:build linux

package server

import (
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"launcher/cmd/launcher/internal/experiment/load"
)

// TestMethods serves an application that has no bundle and one that has, behind lighttpd.
func TestMethods(t *testing.T) {
	for _, app := range []struct{ name, path, text string }{
		{"hello", "/", "hello"},
		{"blog", "/posts", "<h1>"},
	} {
		root := copyApp(t, app.name)
		for _, method := range installed(t) {
			t.Run(app.name+"/"+string(method), func(t *testing.T) {
				before := files(t, root)
				s := up(t, newSpec(t, method, root, 2))
				if len(s.Backends()) == 0 || s.LaunchTime() <= 0 || len(s.Command()) < 2 {
					t.Errorf("backends %v, launch time %v, command %q", s.Backends(), s.LaunchTime(), s.Command())
				}
				t.Logf("up after %v: %v", s.LaunchTime().Round(time.Millisecond), s.Command())
				serves(t, s, app.path, app.text)
				if after := files(t, root); !slices.Equal(before, after) {
					t.Errorf("the application's folder had %v, and has %v", before, after)
				}
			})
		}
	}
}

// serves makes requests through lighttpd, and checks that the responses come from workers of
// this server.
func serves(t *testing.T, s *Server, path, text string) {
	t.Helper()
	p := proxy(t, s.Backends())
	var pids []int // that have been its processes: workers take each other's places
	look := func() {
		t.Helper()
		members, err := s.group.members()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range members {
			pids = append(pids, p.Pid)
		}
	}
	look()
	if !slices.Contains(pids, s.leader.pid) {
		t.Errorf("the first process, %d, is not one of %v", s.leader.pid, pids)
	}
	for i := range 6 {
		response, body := ask(t, "http://"+p.Address()+path, i == 0)
		if response.StatusCode != http.StatusOK || !strings.Contains(body, text) {
			t.Fatalf("status %d: %s", response.StatusCode, body)
		}
		pid, err := strconv.Atoi(response.Header.Get(load.PidHeader))
		if !slices.Contains(pids, pid) {
			look()
		}
		if err != nil || pid == s.leader.pid || !slices.Contains(pids, pid) {
			t.Errorf("%q has answered, the server has %v", response.Header.Get(load.PidHeader), pids)
		}
		checkVersions(t, response.Header.Get(VersionsHeader), i == 0, path)
	}
}

func checkVersions(t *testing.T, header string, asked bool, path string) {
	t.Helper()
	if !asked {
		if header != "" {
			t.Errorf("versions that nobody has asked for: %s", header)
		}
		return
	}
	var versions struct{ Ruby, Rails, Rack string }
	if err := json.Unmarshal([]byte(header), &versions); err != nil {
		t.Fatalf("%q: %v", header, err)
	}
	if versions.Ruby == "" || versions.Rack == "" || (versions.Rails != "") != (path == "/posts") {
		t.Errorf("versions %+v", versions)
	}
}

func ask(t *testing.T, url string, versions bool) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if versions {
		request.Header.Set(VersionsHeader, "1")
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// files lists what is in an application's folder, without what the application itself writes.
func files(t *testing.T, root string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		if !strings.HasPrefix(name, "log") && !strings.HasPrefix(name, "tmp/cache") && !strings.HasPrefix(name, "db/") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
