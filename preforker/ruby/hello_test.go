package ruby

import (
	"fmt"
	"strings"
	"testing"

	"launcher/preforker/internal/wire"
)

func TestCheckHello(t *testing.T) {
	good := wire.Hello{Version: wire.Version, Ruby: "3.1.2", Engine: "ruby", Fork: true}
	for says, change := range map[string]func(*wire.Hello){
		"": func(*wire.Hello) {},
		fmt.Sprintf("version %d", wire.Version+1): func(h *wire.Hello) { h.Version++ },
		"jruby 3.1.2 (/bin/ruby) cannot fork":     func(h *wire.Hello) { h.Fork, h.Engine = false, "jruby" },
		"Ruby 2.6.10 (/bin/ruby) is too old":      func(h *wire.Hello) { h.Ruby = "2.6.10" },
	} {
		hello := good
		change(&hello)
		failed := CheckHello(hello, "/bin/ruby")
		if (failed == nil) != (says == "") || (failed != nil && (failed.Stage != stageRuby || !strings.Contains(failed.Error.Message, says))) {
			t.Errorf("%+v: %+v, want %q", hello, failed, says)
		}
	}
}

func TestOlderThan(t *testing.T) {
	for version, older := range map[string]bool{"2.6.10": true, "1.9.3": true, "2": true, "": true, "nonsense": true,
		"2.7": false, "2.7.0": false, "2.10.1": false, "3.0.0": false, "3.4.0-preview1": false, "10.0": false} {
		if got := olderThan(version, oldestRuby); got != older {
			t.Errorf("%q older than %s: %v", version, oldestRuby, got)
		}
	}
}
