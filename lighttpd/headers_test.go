package lighttpd

import (
	"fmt"
	"testing"
)

// TestForgedHeaders: no other spelling of a header that a proxy sets comes to
// the application under the same name, and the user's own changes stay.
func TestForgedHeaders(t *testing.T) {
	version := installed(t)
	for _, forged := range []string{"X_Forwarded_For", "X_Forwarded-For", "x-forwarded_for", "X.Forwarded.For", "X-Forwarded.For", "X_Forwarded.For"} {
		for _, prefix := range []string{"", "/shop"} {
			site := newSite(t, shortDir(t), 1)
			site.Prefix = prefix
			snippet, err := Snippet(site, version)
			if err != nil {
				t.Fatal(err)
			}
			asked := params(t, site.Sockets[0])
			d := serve(t, func(port int) string {
				return fmt.Sprintf(distribution, quote("/var/empty"), quote(site.Root+"/tmp"), port) +
					`setenv.set-request-header = ( "X-Own" => "kept" )` + "\n" + snippet + rest
			})
			d.do(t, "GET", prefix+"/x", nil, "X-Forwarded-For", "192.0.2.1", forged, "127.0.0.1", "X_Real_IP", "127.0.0.1", "X_Other", "told")
			got := receive(t, asked)
			for name, want := range map[string]string{
				"HTTP_X_FORWARDED_FOR": "192.0.2.1", "HTTP_X_REAL_IP": "", "HTTP_X_OTHER": "told", "HTTP_X_OWN": "kept",
			} {
				if got[name] != want {
					t.Errorf("%s%s: %s is %q, want %q", prefix, forged, name, got[name], want)
				}
			}
		}
	}
}
