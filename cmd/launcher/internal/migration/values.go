package migration

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// argument returns a value, false where it is missing or cannot be known.
func (c Call) argument(i int) (any, bool) {
	if i < 0 || i >= len(c.Arguments) {
		return nil, false
	}
	if mapping, is := c.Arguments[i].(map[string]any); is && (mapping["unknown"] == true || mapping["cpus"] == true) {
		return nil, false
	}
	return c.Arguments[i], true
}

// cpus says whether a value is a number of CPUs.
func (c Call) cpus(i int) bool {
	if i >= len(c.Arguments) {
		return false
	}
	mapping, is := c.Arguments[i].(map[string]any)
	return is && mapping["cpus"] == true
}

// text returns a value as a text, "" where there is none.
func text(c Call, i int) string {
	switch value, _ := c.argument(i); value := value.(type) {
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return ""
}

// number returns a value as a number, -1 where there is none that is meant.
func number(c Call, i int) int {
	value, err := strconv.ParseFloat(text(c, i), 64)
	if err != nil || value < 0 || value > math.MaxInt32 || value != math.Trunc(value) {
		return -1
	}
	return int(value)
}

// option returns a value of the mapping at the end of the arguments.
func option(c Call, name string) string {
	if len(c.Arguments) == 0 {
		return ""
	}
	mapping, is := c.Arguments[len(c.Arguments)-1].(map[string]any)
	if !is || mapping[name] == nil {
		return ""
	}
	if n, is := mapping[name].(float64); is {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return fmt.Sprint(mapping[name])
}

// off says whether a switch is switched off.
func off(c Call) bool {
	value, is := c.argument(0)
	return is && (value == false || value == nil)
}

// seconds are a time as options have it.
func seconds(c Call, i int) string {
	value, err := strconv.ParseFloat(text(c, i), 64)
	if err != nil || value <= 0 || value > 1e6 {
		return ""
	}
	return strconv.FormatFloat(value, 'f', -1, 64) + "s"
}

// below is a path by the root, where it is below it.
func (p *Plan) below(path string) string {
	if rest, err := filepath.Rel(p.root, path); err == nil && filepath.IsAbs(path) && rest != "." && !strings.HasPrefix(rest, "..") {
		return rest
	}
	return path
}

// listen has an address that a URL names, as Puma has them.
func (p *Plan) listen(call Call, address, why string) {
	parsed, err := url.Parse(address)
	if err != nil {
		p.unreadable(call, why)
		return
	}
	query := parsed.Query()
	switch parsed.Scheme {
	case "unix":
		if parsed.User != nil || strings.HasPrefix(parsed.Host, "~") {
			p.unreadable(call, why)
			return
		}
		p.set(call, "http", "unix:"+p.below(parsed.Host+parsed.Path), "")
		p.umask(call, query.Get("umask"), 0) // as Integer() of Ruby takes it
		if mode, err := strconv.ParseUint(query.Get("mode"), 8, 32); err == nil && mode <= 0o777 {
			p.set(call, "socket-mode", fmt.Sprintf("0%o", mode), "")
		}
	case "tcp", "http":
		p.set(call, "http", plainScheme+parsed.Host, "")
	case "ssl":
		p.set(call, "http", parsed.Host, "")
		p.certificate(call, query.Get("cert"), query.Get("key"))
	default:
		p.unreadable(call, why)
	}
}

// plainScheme stands before an address that speaks no TLS, where others do.
const plainScheme = "http://"

// dropScheme has addresses without a scheme, where none speaks TLS.
func (p *Plan) dropScheme() {
	if slices.ContainsFunc(p.Settings, func(s Setting) bool { return s.Name == "tls-cert" && s.If == "" }) {
		return
	}
	for _, setting := range p.Settings {
		for i, value := range setting.Values {
			if setting.Name == "http" {
				setting.Values[i] = strings.TrimPrefix(value, plainScheme)
			}
		}
	}
}

func (p *Plan) certificate(call Call, cert, key string) {
	if cert == "" {
		p.remark(call, "its certificate could not be read: "+call.Text+" (`--tls-cert`, without which this address speaks no TLS)")
		return
	}
	p.set(call.of("cert"), "tls-cert", cert, "")
	if key != "" {
		p.set(call.of("key"), "tls-key", key, "")
	}
}

// umask has the mode that a unix socket gets by it.
func (p *Plan) umask(call Call, text string, base int) {
	if mask, err := strconv.ParseUint(text, base, 32); err == nil && text != "" && mask <= 0o777 {
		p.set(call, "socket-mode", fmt.Sprintf("0%o", 0o777&^mask), "")
	}
}

// address has an address as Unicorn has them: a path, a port, or both of a host and a port.
func (p *Plan) address(call Call, why string) {
	where := strings.TrimPrefix(text(call, 0), "unix:")
	port := strings.TrimPrefix(where, "*:")
	host, rest, err := net.SplitHostPort(where)
	switch {
	case where == "":
		p.unreadable(call, why)
	case strings.HasPrefix(where, "/"):
		p.set(call.of("0"), "http", "unix:"+p.below(where), "")
		p.umask(call.of("umask"), option(call, "umask"), 10)
	case strings.Trim(port, "0123456789") == "":
		p.set(call.of("0"), "http", "0.0.0.0:"+port, "")
	case err == nil:
		p.set(call.of("0"), "http", net.JoinHostPort(host, rest), "")
	default:
		p.unreadable(call, why)
	}
}
