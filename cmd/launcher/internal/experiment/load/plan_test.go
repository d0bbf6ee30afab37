package load

import (
	"launcher/cmd/launcher/internal/experiment/mix"

	"math"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestPlanCheck(t *testing.T) {
	tests := []struct {
		change func(*Plan)
		want   string
	}{
		{func(*Plan) {}, ""},
		{func(p *Plan) { p.Host, p.Header = "", http.Header{"Accept": {"text/html"}} }, ""},
		{func(p *Plan) { p.Mix = mix.Gets("/a%20b?c=%2F", "//x", "/") }, ""},
		{func(p *Plan) { p.Requests = 0 }, "number of requests"},
		{func(p *Plan) { p.Requests = MaxRequests + 1 }, "number of requests"},
		{func(p *Plan) { p.Connections = 0 }, "number of connections"},
		{func(p *Plan) { p.Rate = -1 }, "rate"},
		{func(p *Plan) { p.Rate = math.NaN() }, "rate"},
		{func(p *Plan) { p.Rate = math.Inf(1) }, "rate"},
		{func(p *Plan) { p.Rate = 1e-12 }, "never be due"},
		{func(p *Plan) { p.Timeout = 0 }, "time-out"},
		{func(p *Plan) { p.Mix = nil }, "no path"},
		{func(p *Plan) { p.Mix = mix.Gets("/", "") }, "path"},
		{func(p *Plan) { p.Mix = mix.Gets("http://x/") }, "path"},
		{func(p *Plan) { p.Mix = mix.Gets("/a b") }, "path"},
		{func(p *Plan) { p.Mix = mix.Gets("/a#b") }, "path"},
		{func(p *Plan) { p.Mix = mix.Gets("/a\r\nX: y") }, "path"},
		{func(p *Plan) { p.Mix = mix.Gets("/%zz") }, "path"},
		{func(p *Plan) { p.Host = "a\r\nb" }, "host"},
		{func(p *Plan) { p.Header = http.Header{"A": {"b\nc"}} }, "header"},
		{func(p *Plan) { p.Header = http.Header{"A b": {"c"}} }, "header"},
	}
	for _, tt := range tests {
		plan := basic("/")
		tt.change(&plan)
		err := plan.Check()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %q", plan, err, tt.want)
		}
		if err == nil {
			continue
		}
		// A plan that nobody has checked is not asked, and not lost.
		result := Run(t.Context(), HTTP("unix", "/nowhere"), plan, nil)
		if result.OK != 0 || result.Errors == 0 || len(result.Failures) != 1 || !strings.Contains(result.Failures[0].Text, tt.want) {
			t.Errorf("%+v: got %+v", plan, result)
		}
	}
}

func TestQuantile(t *testing.T) {
	result := Result{OK: 200, Elapsed: 4 * time.Second}
	if result.Quantile(0.99) != 0 {
		t.Error("nothing has a quantile")
	}
	result.Latencies = []float64{0.001, 0.002, 0.003, 0.004}
	for p, want := range map[float64]time.Duration{0: 1, 0.25: 1, 0.5: 2, 0.51: 3, 0.99: 4, 1: 4} {
		if got := result.Quantile(p); got != want*time.Millisecond {
			t.Errorf("quantile %v is %v, want %v", p, got, want*time.Millisecond)
		}
	}
	if got := result.Throughput(); got != 50 {
		t.Errorf("throughput is %v", got)
	}
}

func TestFailureTextIsOneLine(t *testing.T) {
	plan := basic("/x")
	response := Response{Status: 302, Header: http.Header{"Location": {"/\x1b[31m\u202e" + strings.Repeat("long", 1000)}}}
	text := failureText(&plan, 0, response, nil)
	if !strings.HasPrefix(text, "GET /x: status 302 to /?[31m?long") || len([]rune(text)) != maxFailureText+1 {
		t.Errorf("got %q", text)
	}
}
