//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is one of a Containerfile.
type instruction struct{ name, text string }

// containerfile reads one. Lines that are continued are one instruction, without their comments.
func containerfile(t *testing.T, path string) (all []instruction) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(sourceRoot(t), "cmd", "launcher", "packages", "container", path))
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAll(text, nil)
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		if name, rest, found := strings.Cut(strings.TrimSpace(line), " "); found {
			all = append(all, instruction{name, strings.Join(strings.Fields(rest), " ")})
		}
	}
	return all
}

// named are the texts of an instruction.
func named(all []instruction, name string) (texts []string) {
	for _, i := range all {
		if i.name == name {
			texts = append(texts, i.text)
		}
	}
	return texts
}

// stage is the last one, which becomes the image.
func stage(all []instruction) []instruction {
	last := 0
	for i, one := range all {
		if one.name == "FROM" {
			last = i
		}
	}
	return all[last:]
}

// TestContainerfiles: what is built stays behind, nothing runs as root, no secret is in an image, and what is started gets its signals.
func TestContainerfiles(t *testing.T) {
	t.Parallel()
	known := []string{"ARG", "FROM", "WORKDIR", "COPY", "RUN", "USER", "ENTRYPOINT", "CMD", "ENV", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL"}
	for _, path := range []string{"Containerfile", "application/Containerfile"} {
		all := containerfile(t, path)
		for _, i := range all {
			if !slices.Contains(known, i.name) {
				t.Errorf("%s: %s is no instruction", path, i.name)
			}
			if regexp.MustCompile(`(?i)^(?:\S*(?:password|token|master_key|secret_key_base))=`).MatchString(i.text) && (i.name == "ARG" || i.name == "ENV") {
				t.Errorf("%s: a secret stays in the image: %s", path, i.text)
			}
			if i.name == "RUN" && strings.Contains(i.text, "apt-get install") && (!strings.Contains(i.text, "--no-install-recommends") || !strings.Contains(i.text, "rm -rf /var/lib/apt/lists")) {
				t.Errorf("%s: more is installed than is needed, or lists stay: %s", path, i.text)
			}
			if (i.name == "CMD" || i.name == "ENTRYPOINT") && json.Unmarshal([]byte(i.text), &[]string{}) != nil {
				t.Errorf("%s: a shell would get the signals: %s %s", path, i.name, i.text)
			}
		}
		if len(named(all, "FROM")) < 2 {
			t.Errorf("%s has one stage", path)
		}
		last := stage(all)
		if user := named(last, "USER"); len(user) != 1 || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user[0]) {
			t.Errorf("%s: it runs as %q", path, user)
		}
		if !strings.Contains(strings.Join(named(last, "COPY"), "\n"), "--from=") {
			t.Errorf("%s: nothing comes from another stage", path)
		}
		for _, image := range named(all, "ARG") {
			if name, found := strings.CutPrefix(image, "GO_IMAGE="); found && regexp.MustCompile(`:\d+\.\d+-[a-z]+$`).FindString(name) == "" {
				t.Errorf("%s: %s has no version", path, image)
			}
		}
	}
	makefile, err := os.ReadFile(filepath.Join(sourceRoot(t), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	tags := regexp.MustCompile(`-tags \w+ -trimpath`)
	if build := strings.Join(named(containerfile(t, "Containerfile"), "RUN"), "\n"); tags.FindString(build) == "" || tags.FindString(build) != tags.FindString(string(makefile)) {
		t.Errorf("the image's launcher is built in another way than make's: %s", build)
	}
}

// TestContainerHealth: the health check succeeds where the page does, and fails where it does not, or where nobody listens.
func TestContainerHealth(t *testing.T) {
	t.Parallel()
	check := named(stage(containerfile(t, "application/Containerfile")), "HEALTHCHECK")
	_, command, found := strings.Cut(strings.Join(check, ""), " CMD ")
	var words []string
	if err := json.Unmarshal([]byte(command), &words); !found || err != nil {
		t.Fatalf("%q: %v", check, err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/up" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path, port string
		healthy    bool
	}{{"/up", address.Port(), true}, {"/down", address.Port(), false}, {"/up", fmt.Sprint(freePort(t)), false}} {
		cmd := exec.Command(tool(t, words[0]), words[1:]...)
		cmd.Env = append(cleanEnv(), "PORT="+test.port, "HEALTH_PATH="+test.path)
		if out, err := cmd.CombinedOutput(); (err == nil) != test.healthy {
			t.Errorf("%+v: %v %s", test, err, out)
		}
	}
}

// TestIgnoredByBuilders: what must not come into an image is not sent to who builds it.
func TestIgnoredByBuilders(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(sourceRoot(t), "cmd", "launcher", "packages", "container", "application", ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	for _, secret := range []string{".git", ".env*", "config/master.key", "config/credentials/*.key"} {
		if !slices.Contains(lines, secret) {
			t.Errorf("%s is sent", secret)
		}
	}
}

// TestBuildCommands: each command that builds an image names its file, for Docker reads a Dockerfile otherwise: none, or Rails' own one.
func TestBuildCommands(t *testing.T) {
	t.Parallel()
	build := regexp.MustCompile(`(?m)^[# ]*(?:docker|podman|buildah) build .*$`)
	for _, path := range []string{"PACKAGES.md", "packages/container/Containerfile", "packages/container/application/Containerfile"} {
		text, err := os.ReadFile(filepath.Join(sourceRoot(t), "cmd", "launcher", path))
		if err != nil {
			t.Fatal(err)
		}
		commands := build.FindAllString(string(text), -1)
		if len(commands) == 0 {
			t.Errorf("%s has no command", path)
		}
		for _, command := range commands {
			if !regexp.MustCompile(` -f (?:\S+/)?Containerfile `).MatchString(command) {
				t.Errorf("%s: which file does it build? %s", path, command)
			}
		}
	}
}

// TestKamalRecipe: it is YAML with the keys that Kamal 2 knows, and fits the image. Kamal itself is not there to be asked.
func TestKamalRecipe(t *testing.T) {
	t.Parallel()
	out, err := run(t, filepath.Join(sourceRoot(t), "cmd", "launcher", "recipes", "kamal"), nil, "ruby", "-ryaml", "-rjson", "-e", "puts YAML.safe_load(File.read('config/deploy.yml')).to_json")
	if err != nil {
		t.Fatal(err, out)
	}
	var config struct {
		Service, Image string
		Servers        struct {
			Web struct {
				Hosts   []string
				Options map[string]int
			}
		}
		Proxy struct {
			SSL         bool
			Host        string
			AppPort     int `json:"app_port"`
			Healthcheck struct {
				Path              string
				Interval, Timeout int
			}
		}
		DeployTimeout int `json:"deploy_timeout"`
		DrainTimeout  int `json:"drain_timeout"`
		Registry      struct {
			Server, Username string
			Password         []string
		}
		Builder struct {
			Arch, Dockerfile string
			Args             map[string]string
		}
		Env struct {
			Clear  map[string]string
			Secret []string
		}
	}
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&config); err != nil {
		t.Fatal(err)
	}
	environment := strings.Join(named(stage(containerfile(t, "application/Containerfile")), "ENV"), " ")
	if want := fmt.Sprintf("PORT=%d ", config.Proxy.AppPort); !strings.Contains(environment, want) {
		t.Errorf("the image listens elsewhere: %s", environment)
	}
	if !strings.HasSuffix(environment, "HEALTH_PATH="+config.Proxy.Healthcheck.Path) {
		t.Errorf("Kamal asks for %s: %s", config.Proxy.Healthcheck.Path, environment)
	}
	arguments := strings.Join(named(containerfile(t, "application/Containerfile"), "ARG"), " ")
	for name, value := range config.Builder.Args {
		if !strings.Contains(arguments, name+"=") || value == "" {
			t.Errorf("the image has no argument %s", name)
		}
	}
	// Kamal builds in a container, which sees images of registries alone.
	if !strings.HasPrefix(config.Builder.Args["LAUNCHER_IMAGE"], config.Registry.Server+"/") {
		t.Errorf("the launcher's image is %q", config.Builder.Args["LAUNCHER_IMAGE"])
	}
	if config.Servers.Web.Options["stop-timeout"] <= config.DrainTimeout || config.DeployTimeout <= 90 {
		t.Errorf("there is too little time: %+v", config)
	}
}
