package fcgi

import (
	"net/http"
	"slices"
	"testing"
)

// A client must not choose what only a web server says to the application.
func TestHeaderParamsKeepSendfileFromClients(t *testing.T) {
	params := HeaderParams(http.Header{"X-Sendfile-Type": {"X-Accel-Redirect"}, "X-Accel-Mapping": {"/=/"}, "X-Other": {"1"}})
	if len(params) != 1 || params[0].Name != "HTTP_X_OTHER" {
		t.Errorf("got %v", params)
	}
}

// What is usual has the name that anything else has, and Connection takes out what it names.
func TestHeaderParamsNames(t *testing.T) {
	params := HeaderParams(http.Header{"User-Agent": {"a"}, "X-Odd-Name": {"b", "c"}, "Cookie": {"d", "e"}, "Under_score": {"f"}, "Connection": {"keep-alive"}})
	want := Params{{"HTTP_COOKIE", "d; e"}, {"HTTP_USER_AGENT", "a"}, {"HTTP_X_ODD_NAME", "b, c"}}
	if !slices.Equal(params, want) {
		t.Errorf("got %v", params)
	}
	for name, variable := range usualVariables {
		if variable != variableOf(name) || http.CanonicalHeaderKey(name) != name {
			t.Errorf("%s: %s", name, variable)
		}
	}
	header := http.Header{"Connection": {"close, X-Named"}, "X-Named": {"a"}, "X-Other": {"b"}}
	if params := HeaderParams(header); !slices.Equal(params, Params{{"HTTP_X_OTHER", "b"}}) || len(header) != 3 {
		t.Errorf("got %v of %v", params, header)
	}
}
