package fcgi

import (
	"net/http"
	"testing"
)

// A client must not choose what only a web server says to the application.
func TestHeaderParamsKeepSendfileFromClients(t *testing.T) {
	params := HeaderParams(http.Header{"X-Sendfile-Type": {"X-Accel-Redirect"}, "X-Accel-Mapping": {"/=/"}, "X-Other": {"1"}})
	if len(params) != 1 || params[0].Name != "HTTP_X_OTHER" {
		t.Errorf("got %v", params)
	}
}
