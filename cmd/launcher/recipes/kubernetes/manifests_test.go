package manifests

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// notManifests is a file that Helm reads.
const notManifests = "prometheus-adapter.yaml"

// check reads a manifest against the schema that client-go has of Kubernetes' OpenAPI: fields that are not known, values of
// another type, and entries that are there twice are errors.
func check(text string) (kind string, err error) {
	var object unstructured.Unstructured
	if err := yaml.UnmarshalStrict([]byte(text), &object.Object); err != nil {
		return "", err
	}
	_, err = applyconfigurations.NewTypeConverter(scheme.Scheme).ObjectToTyped(&object)
	return object.GetAPIVersion() + " " + object.GetKind(), err
}

func TestManifests(t *testing.T) {
	files, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, file := range files {
		if file == notManifests {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kind, err := check(string(text))
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	if want := []string{"apps/v1 Deployment", "autoscaling/v2 HorizontalPodAutoscaler", "policy/v1 PodDisruptionBudget", "v1 Service"}; !slices.Equal(kinds, want) {
		t.Errorf("there are %q, want %q", kinds, want)
	}
}

// TestMistakes: the check is worth something.
func TestMistakes(t *testing.T) {
	text, err := os.ReadFile("deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for right, wrong := range map[string]string{
		"readinessProbe:":     "readynessProbe:",
		"containerPort: 3000": "containerPort: http",
		"containerPort: 9397": "containerPort: 3000",
		"maxSurge: 1":         "maxSurge: [1]",
		"apps/v1":             "apps/v2",
	} {
		mistaken := strings.Replace(string(text), right, wrong, 1)
		if kind, err := check(mistaken); mistaken == string(text) || err == nil {
			t.Errorf("%s in the place of %s is taken for %s", wrong, right, kind)
		}
	}
}
