package metrics

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

var metricRow = regexp.MustCompile("(?m)^\\| `(launcher_[a-z_]+)` \\| (counter|gauge|histogram) \\|")

// TestMetricsAreDocumented: each has a row with its type, and no other one has; the page tells those of other servers too.
func TestMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "MONITORING.md"))
	if err != nil {
		t.Fatal(err)
	}
	var documented, there []string
	for _, row := range metricRow.FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, row[2]+" "+row[1])
	}
	for _, f := range families() {
		kind := strings.ToLower(f.kind.String())
		if f.histogram != nil {
			kind = strings.ToLower(dto.MetricType_HISTOGRAM.String())
		}
		there = append(there, kind+" "+f.name)
	}
	slices.Sort(documented)
	slices.Sort(there)
	if !slices.Equal(documented, there) {
		t.Errorf("the page has\n%s\nthere are\n%s", strings.Join(documented, "\n"), strings.Join(there, "\n"))
	}
	for _, f := range allCompat().families() {
		if !strings.Contains(string(text), "`"+f.name+"`") {
			t.Errorf("the page does not tell %s", f.name)
		}
	}
}
