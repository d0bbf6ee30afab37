//go:build linux

package main

import (
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// labels select pods.
type labels map[string]string

// httpProbe is a probe of a container.
type httpProbe struct {
	HTTPGet struct {
		Path string `yaml:"path"`
		Port string `yaml:"port"`
	} `yaml:"httpGet"`
}

// deployment is what of the manifest other manifests, and the launcher, have to do with.
type deployment struct {
	Metadata struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		Selector struct {
			MatchLabels labels `yaml:"matchLabels"`
		} `yaml:"selector"`
		Template struct {
			Metadata struct {
				Labels      labels            `yaml:"labels"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"metadata"`
			Spec struct {
				Grace      int         `yaml:"terminationGracePeriodSeconds"`
				Containers []container `yaml:"containers"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type container struct {
	Command    []string `yaml:"command"`
	Args       []string `yaml:"args"`
	WorkingDir string   `yaml:"workingDir"`
	Ports      []struct {
		Name string `yaml:"name"`
		Port int    `yaml:"containerPort"`
	} `yaml:"ports"`
	Readiness httpProbe `yaml:"readinessProbe"`
	Liveness  httpProbe `yaml:"livenessProbe"`
	Lifecycle struct {
		PreStop struct {
			Exec struct {
				Command []string `yaml:"command"`
			} `yaml:"exec"`
		} `yaml:"preStop"`
	} `yaml:"lifecycle"`
	Resources struct {
		Requests map[string]string `yaml:"requests"`
		Limits   map[string]string `yaml:"limits"`
	} `yaml:"resources"`
}

// port is that of a name; 0: there is none.
func (c container) port(name string) int {
	for _, p := range c.Ports {
		if p.Name == name {
			return p.Port
		}
	}
	return 0
}

// readManifest reads one of the recipes.
func readManifest[T any](t *testing.T, name string) (read T) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(recipeFile(t, "kubernetes/"+name)), &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// autoscaling is what it reads, and of whom.
type autoscaling struct {
	Spec struct {
		Target struct {
			Kind string `yaml:"kind"`
			Name string `yaml:"name"`
		} `yaml:"scaleTargetRef"`
		Metrics []struct {
			Pods struct {
				Metric struct {
					Name string `yaml:"name"`
				} `yaml:"metric"`
			} `yaml:"pods"`
		} `yaml:"metrics"`
	} `yaml:"spec"`
}

func (a autoscaling) metrics() (names []string) {
	for _, m := range a.Spec.Metrics {
		names = append(names, m.Pods.Metric.Name)
	}
	return names
}

// TestKubernetesManifests: what one manifest says of another holds, and so does the sum of times that a pod's end may take. That each
// is one that Kubernetes takes is a test of its own ("make manifests").
func TestKubernetesManifests(t *testing.T) {
	t.Parallel()
	d := readManifest[deployment](t, "deployment.yaml")
	pod := d.Spec.Template
	if len(pod.Spec.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Spec.Containers))
	}
	c := pod.Spec.Containers[0]
	service := readManifest[struct {
		Spec struct {
			Selector labels `yaml:"selector"`
			Ports    []struct {
				Target string `yaml:"targetPort"`
			} `yaml:"ports"`
		} `yaml:"spec"`
	}](t, "service.yaml")
	budget := readManifest[struct {
		Spec struct {
			Selector struct {
				MatchLabels labels `yaml:"matchLabels"`
			} `yaml:"selector"`
		} `yaml:"spec"`
	}](t, "disruption.yaml")
	for name, selector := range map[string]labels{"Deployment": d.Spec.Selector.MatchLabels, "Service": service.Spec.Selector, "PodDisruptionBudget": budget.Spec.Selector.MatchLabels} {
		if len(selector) == 0 || !maps.Equal(selector, pod.Metadata.Labels) {
			t.Errorf("%s selects %v of pods that have %v", name, selector, pod.Metadata.Labels)
		}
	}
	for _, port := range []string{service.Spec.Ports[0].Target, c.Readiness.HTTPGet.Port, c.Liveness.HTTPGet.Port} {
		if c.port(port) == 0 {
			t.Errorf("the container has no port %q", port)
		}
	}
	if got := pod.Metadata.Annotations["prometheus.io/port"]; got != fmt.Sprint(c.port("metrics")) {
		t.Errorf("Prometheus asks port %s", got)
	}
	if a := readManifest[autoscaling](t, "autoscaling.yaml"); a.Spec.Target.Kind != "Deployment" || a.Spec.Target.Name != d.Metadata.Name {
		t.Errorf("the autoscaler scales %+v", a.Spec.Target)
	}
	if want := named(containerfile(t, "application/Containerfile"), "WORKDIR")[0]; c.WorkingDir != want {
		t.Errorf("the application is in %s, and in the image in %s", c.WorkingDir, want)
	}
	// Who ends TLS is before the pods, and says that it was there: an application that insists on it would redirect for ever.
	if !slices.Contains(c.Args, "--trusted-proxy=private") {
		t.Errorf("nobody is believed that a request came by TLS: %q", c.Args)
	}
	var pause, drain time.Duration
	if command := c.Lifecycle.PreStop.Exec.Command; len(command) == 2 && command[0] == "sleep" {
		pause, _ = time.ParseDuration(command[1] + "s")
	}
	for _, arg := range c.Args {
		if text, is := strings.CutPrefix(arg, "--drain-timeout="); is {
			drain, _ = time.ParseDuration(text)
		}
	}
	if grace := time.Duration(pod.Spec.Grace) * time.Second; pause == 0 || drain == 0 || grace < pause+drain+5*time.Second {
		t.Errorf("a pod has %s to end, preStop takes %s and the launcher %s", grace, pause, drain)
	}
	for name, resources := range map[string]map[string]string{"request": c.Resources.Requests, "limit": c.Resources.Limits} {
		if resources["memory"] == "" {
			t.Errorf("no %s of memory", name)
		}
	}
}

// maxScrape is what a scrape may take: no answer comes after that.
const maxScrape = 30 * time.Second

// TestKubernetesPod runs the container's command as Kubernetes does: probes it while it loads and serves, reads what the autoscaler
// reads while all workers are stuck and others wait, and ends it with requests in hand.
func TestKubernetesPod(t *testing.T) {
	t.Parallel()
	c := readManifest[deployment](t, "deployment.yaml").Spec.Template.Spec.Containers[0]
	root := writeApp(t, map[string]string{"config.ru": `
sleep 0.01 until File.exist?("boot")
run(lambda { |_env| sleep 0.01 until File.exist?("open"); [200, {}, ["hello"]] })
`})
	sockets := t.TempDir()
	places := map[string]string{":" + fmt.Sprint(c.port("http")): "", ":" + fmt.Sprint(c.port("metrics")): ""}
	for place := range places {
		places[place] = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	}
	args := slices.Clone(c.Args)
	for i, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch here, is := places[value]; {
		case is:
			args[i] = name + "=" + here
		case name == "--socket-dir":
			args[i] = name + "=" + sockets
		}
	}
	const workers = 4
	if c.Command[0] != "launcher" || args[0] != fmt.Sprint(workers) {
		t.Fatalf("the container runs %q with %q", c.Command, args)
	}
	in := start(t, startOptions{root: root, args: args})
	url := func(port, path string) string {
		return "http://" + places[fmt.Sprintf(":%d", c.port(port))] + path
	}
	probe := func(p httpProbe) int {
		got := fetch(client(), http.MethodGet, url(p.HTTPGet.Port, p.HTTPGet.Path), nil)
		if got.err != nil {
			return 0
		}
		return got.StatusCode
	}
	in.waitFor("the pod to live", func() bool { return probe(c.Liveness) == http.StatusOK })
	if got := probe(c.Readiness); got != http.StatusServiceUnavailable {
		t.Errorf("it is ready while it loads: %d", got)
	}
	write(t, filepath.Join(root, "boot"), "")
	in.waitFor("the pod to be ready", func() bool { return probe(c.Readiness) == http.StatusOK })
	in.waitLine(`"msg":"all workers are ready"`) // and nobody is replaced any more by a fork of what was prepared

	const waiting = 3
	var asking sync.WaitGroup
	for range workers + waiting {
		asking.Go(func() {
			if got := fetch(client(), http.MethodGet, url("http", "/"), nil); got.err != nil || got.StatusCode != http.StatusOK || got.body != "hello" {
				t.Errorf("%+v", got)
			}
		})
	}
	want := map[string]int{"launcher_queue_length": waiting, "launcher_workers_busy": workers}
	names := readManifest[autoscaling](t, "autoscaling.yaml").metrics()
	if !slices.Equal(slices.Sorted(maps.Keys(want)), slices.Sorted(slices.Values(names))) {
		t.Errorf("the autoscaler reads %q", names)
	}
	for name, value := range want {
		var told page
		in.waitFor(fmt.Sprintf("%s to be %d", name, value), func() bool {
			told = fetch(&http.Client{Timeout: maxScrape, Transport: client().Transport}, http.MethodGet, url("metrics", "/metrics"), nil)
			return told.err == nil && slices.Contains(strings.Split(told.body, "\n"), fmt.Sprintf("%s %d", name, value))
		})
		if t.Failed() {
			t.Fatalf("%+v", told)
		}
	}
	if got := probe(c.Readiness); got != http.StatusOK {
		t.Errorf("it is not ready while all workers are busy: %d", got)
	}
	in.signal(syscall.SIGTERM)
	in.waitLine(`"msg":"stopping"`)
	write(t, filepath.Join(root, "open"), "")
	asking.Wait()
	if status := in.wait(); status != exitOK {
		t.Errorf("exit status %d", status)
	}
}
