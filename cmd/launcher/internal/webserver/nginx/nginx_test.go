package nginx

import (
	"testing"

	"launcher/cmd/launcher/internal/webserver"
	"launcher/cmd/launcher/internal/webserver/webservertest"
)

var oldest = webserver.Version{Major: 1, Minor: 14}

// odd is the golden of a site whose folder has a name that is odd to write.
func odd(name, root string) webservertest.Golden {
	return webservertest.Golden{Name: name, Version: New().DefaultVersion(), At: webserver.Site{Root: root, Public: root + "/public",
		Sendfile: []string{root + "/storage"}, Backends: []webserver.Address{{Socket: "/srv/Läden/日本 1/s'-0"}}}}
}

func TestGoldens(t *testing.T) {
	t.Parallel()
	webservertest.TestGoldens(t, New(), append(webservertest.Goldens(New(), oldest),
		webservertest.Golden{Name: "snippet-kept", At: webservertest.Plain(), Version: keptVersion()}, odd("snippet-odd", `/srv/my "shop"/50% off\now;{}`)))
}

func TestRefused(t *testing.T) {
	t.Parallel()
	webservertest.TestRefused(t, New(), oldest)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	webservertest.TestCheck(t, New(), "nobody_knows_this on;")
}
