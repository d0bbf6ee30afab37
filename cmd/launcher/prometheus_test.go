//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"launcher/preforker/control"
	"launcher/preforker/core"
)

// prometheusRecipe is the path of a file that a user of Prometheus or Grafana takes.
func prometheusRecipe(t testing.TB, name string) string {
	return filepath.Join(sourceRoot(t), "cmd", "launcher", "recipes", name)
}

// TestAlertRules: they are valid, each fires for what it is for, and none of a launcher that is well.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "promtool")
	for _, args := range [][]string{
		{"check", "rules", prometheusRecipe(t, "prometheus/launcher-alerts.yml")},
		{"check", "config", prometheusRecipe(t, "prometheus/prometheus.yml")},
		{"test", "rules", prometheusRecipe(t, "prometheus/launcher-alerts-test.yml")},
	} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %q: %v\n%s", args, err, out)
		}
	}
	rules, err := os.ReadFile(prometheusRecipe(t, "prometheus/launcher-alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(prometheusRecipe(t, "prometheus/launcher-alerts-test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		if !strings.Contains(string(tests), "- alertname: "+rule[1]+"\n") {
			t.Errorf("no test has %s fire", rule[1])
		}
	}
}

// prometheus is a server that scrapes a launcher with the configuration of the recipe, but often.
type prometheus struct {
	t   testing.TB
	url string
}

func startPrometheus(t testing.TB, target string) *prometheus {
	t.Helper()
	program, dir := tool(t, "prometheus"), t.TempDir()
	config, err := os.ReadFile(prometheusRecipe(t, "prometheus/prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("127.0.0.1:9397", target, "15s", "1s", "launcher-alerts.yml", prometheusRecipe(t, "prometheus/launcher-alerts.yml")).Replace(string(config))
	write(t, filepath.Join(dir, "prometheus.yml"), text)
	address := "127.0.0.1:" + strconv.Itoa(freePorts(t, 1))
	output, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--config.file", filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path", filepath.Join(dir, "data"),
		"--web.listen-address", address, "--log.level", "warn")
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL) // nothing of it is kept
		_ = cmd.Wait()
		_ = output.Close()
		if said, _ := os.ReadFile(output.Name()); t.Failed() {
			t.Logf("prometheus: %s", said)
		}
	})
	p := &prometheus{t, "http://" + address}
	waitFor(t, "Prometheus", func() bool {
		got := fetch(client(), http.MethodGet, p.url+"/-/ready", nil)
		return got.err == nil && got.StatusCode == http.StatusOK
	})
	return p
}

// get asks the API, and reads what it returns.
func (p *prometheus) get(path string, data any) error {
	got := fetch(client(), http.MethodGet, p.url+"/api/v1/"+path, nil)
	if got.err != nil {
		return got.err
	}
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil || answer.Status != "success" {
		return fmt.Errorf("%s: %s %s %w", path, answer.Status, answer.Error, err)
	}
	return nil
}

// query evaluates an expression now.
func (p *prometheus) query(expression string) (values []string, err error) {
	var data struct {
		Result []struct{ Value [2]any }
	}
	if err := p.get("query?query="+url.QueryEscape(expression), &data); err != nil {
		return nil, err
	}
	for _, series := range data.Result {
		values = append(values, fmt.Sprint(series.Value[1]))
	}
	return values, nil
}

// hasData waits until an expression is evaluated without an error, with numbers where there are to be any: a machine without time
// for a scrape has none for the moment.
func (p *prometheus) hasData(expression string, wanted bool) {
	p.t.Helper()
	waitFor(p.t, expression, func() bool {
		values, err := p.query(expression)
		if err != nil {
			p.t.Log(err)
			return false
		}
		return !wanted || len(values) > 0 && !slices.Contains(values, "NaN")
	})
}

var (
	ownMetric = regexp.MustCompile(`\blauncher_[a-z_]+`)
	// unlabelled is a metric of the launcher as it is scraped.
	scraped = regexp.MustCompile(`(?m)^(launcher_[a-z_]+)[{ ]`)
)

// toldBy are the names that a scrape of a launcher has.
func toldBy(text string) map[string]bool {
	names := map[string]bool{}
	for _, match := range scraped.FindAllStringSubmatch(text, -1) {
		names[match[1]] = true
	}
	return names
}

// dashboardQueries are all expressions in the dashboard for Grafana, with its variables as it would fill them in.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	text, err := os.ReadFile(prometheusRecipe(t, "grafana/launcher.json"))
	if err != nil {
		t.Fatal(err)
	}
	type target struct{ Expr, RefID string }
	var dashboard struct {
		Panels []struct {
			ID      int
			Title   string
			Type    string
			Targets []target
		}
		Annotations struct{ List []target }
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	all := dashboard.Annotations.List
	for _, panel := range dashboard.Panels {
		if ids[panel.ID] || panel.Title == "" || panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("panel %+v", panel)
		}
		ids[panel.ID] = true
		all = append(all, panel.Targets...)
	}
	fill := strings.NewReplacer("$job", "launcher", "$instance", ".*", "$__rate_interval", "5m")
	for _, target := range all {
		if target.Expr != "" {
			queries = append(queries, fill.Replace(target.Expr))
		}
	}
	if len(queries) < 30 {
		t.Fatalf("%d queries", len(queries))
	}
	return queries
}

// TestPrometheus scrapes a launcher with the recipe's configuration, and evaluates what the dashboard and the alerts ask for.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	root := copyApp(t, "hello")
	in := start(t, startOptions{root: root, args: []string{"2", "--http", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--metrics-compat", "puma,php-fpm"},
		env: []string{"LAUNCHER_MAX_PRIVATE=auto"}})
	site := in.waitLine(`workers are ready: (http://\S+)/$`)[1]
	checkFirstFailures(t, in.askControl("/metrics").expect(t, 200).body)
	if err := syscall.Kill(in.worker(1), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	in.statusWhen("the next worker", func(s control.Status) bool {
		return s.Restarts["crashed"] == 1 && s.Workers.Ready == 2 && s.Memory.Bound != nil
	})
	p := startPrometheus(t, strings.TrimPrefix(in.monitored(), "http://"))
	waitFor(t, "three scrapes with requests between them", func() bool {
		fetch(client(), http.MethodGet, site+"/", nil)
		fetch(client(), http.MethodGet, site+"/raise", nil)
		values, err := p.query(`changes(launcher_requests_total[5m]) >= 3`)
		return err == nil && len(values) == 1
	})
	text := in.askControl("/metrics").expect(t, 200).body
	told := toldBy(text)
	p.checkTarget(t)
	for _, query := range dashboardQueries(t) {
		known := true
		for _, name := range ownMetric.FindAllString(query, -1) {
			known = known && told[name]
		}
		p.hasData(query, known)
		if !known && !strings.Contains(query, "launcher_collection_ratio") { // of workers that have not collected anything yet
			t.Errorf("the launcher does not tell what %s asks for", query)
		}
	}
	p.checkAlerts(t, told)
	checkMetrics(t, text)
}

// failures are the reasons for which a worker is replaced that alerts are about, and that nobody wishes for.
var failures = []core.Reason{core.ReasonCrashed, core.ReasonBootFailed, core.ReasonBootTimeout, core.ReasonOutOfMemory, core.ReasonRequestTimeout,
	core.ReasonMemoryLimit, core.ReasonServedNobody, core.ReasonChannelClosed, core.ReasonProbeFailed}

// checkFirstFailures wants the counters of failures to be there before the first one is: Prometheus sees no increase in a series
// that begins with 1.
func checkFirstFailures(t *testing.T, text string) {
	t.Helper()
	rules := recipeFile(t, "prometheus/launcher-alerts.yml")
	asked := regexp.MustCompile(`reason=~?"([^"]+)"`).FindAllStringSubmatch(rules, -1)
	if len(asked) == 0 {
		t.Error("no alert asks for a reason")
	}
	for _, match := range asked {
		for _, part := range strings.Split(match[1], "|") {
			if pattern := regexp.MustCompile("^(?:" + part + ")$"); !slices.ContainsFunc(failures, func(r core.Reason) bool { return pattern.MatchString(string(r)) }) {
				t.Errorf("an alert asks for workers with %q, and there are none", part)
			}
		}
	}
	for _, reason := range failures {
		if line := fmt.Sprintf("launcher_worker_restarts_total{reason=%q} 0\n", reason); !strings.Contains(text, line) {
			t.Errorf("at first there is no %s", line)
		}
	}
}

// checkTarget wants scrapes to have been understood.
func (p *prometheus) checkTarget(t *testing.T) {
	t.Helper()
	var data struct {
		ActiveTargets []struct{ Health, LastError string }
	}
	waitFor(t, "the target to be up", func() bool {
		if err := p.get("targets", &data); err != nil || len(data.ActiveTargets) != 1 {
			t.Fatalf("%v, %+v", err, data)
		}
		return data.ActiveTargets[0].Health == "up"
	})
	for name, want := range map[string]string{"puma_workers": "2", "phpfpm_up": "1", "launcher_ready": "1", `launcher_worker_restarts_total{reason="crashed"}`: "1"} {
		p.hasData(name+" == "+want, true)
	}
}

// checkAlerts wants Prometheus to evaluate the rules, and the launcher to tell what they ask for.
func (p *prometheus) checkAlerts(t *testing.T, told map[string]bool) {
	t.Helper()
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Query, Health, LastError, LastEvaluation string }
		}
	}
	waitFor(t, "the rules to be evaluated", func() bool {
		if err := p.get("rules", &data); err != nil || len(data.Groups) != 1 {
			t.Fatalf("%v, %+v", err, data)
		}
		for _, rule := range data.Groups[0].Rules {
			if strings.HasPrefix(rule.LastEvaluation, "0001") {
				return false
			}
		}
		return true
	})
	for _, rule := range data.Groups[0].Rules {
		if rule.Health != "ok" {
			t.Errorf("%+v", rule)
		}
		for _, name := range ownMetric.FindAllString(rule.Query, -1) {
			if !told[name] {
				t.Errorf("%s asks for %s, which the launcher does not tell", rule.Name, name)
			}
			p.hasData(name, told[name])
		}
	}
}

// checkMetrics has promtool look at the names and the types. Puma's exporters have chosen one that it does not like.
func checkMetrics(t *testing.T, text string) {
	t.Helper()
	cmd := exec.Command(tool(t, "promtool"), "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	out, _ := cmd.CombinedOutput()
	if said := strings.TrimSpace(string(out)); said != `puma_requests_count non-histogram and non-summary metrics should not have "_count" suffix` {
		t.Errorf("promtool check metrics: %s", said)
	}
}
