package lighttpd

import (
	"fmt"
	"regexp"
	"strings"
)

// openSite opens the block that holds for every URL path of the site, also in
// its rewritten form. The condition sees the path decoded and simplified.
//
// What stands later in a configuration wins, so a site at "/" would take the
// paths of one at "/shop" that stands before it. Each site therefore leaves its
// prefix in a variable of every site that could enclose it, and leaves out what
// is in its own variable by then. Variables belong to the block they stand in,
// as the site does: what another host has does not matter. Appending to a
// variable that is not there makes it (1.4.40 to 1.4.85).
func (s Site) openSite(w *writer) {
	w.comment("Applications below a longer prefix keep their paths, also where they stand before this.")
	w.line(`%s += ""`, below(s.Prefix))
	for outer := s.Prefix; outer != ""; {
		outer = outer[:strings.LastIndex(outer, "/")]
		w.line("%s += %s", below(outer), quote("|"+regexp.QuoteMeta(s.Prefix[len(outer):])+"(?:/|$)"))
	}
	w.open(fmt.Sprintf(`$HTTP["url"] =~ %s + %s + ")"`, quote(s.start()+"(?!(?!)"), below(s.Prefix)))
}

// start matches the start of the site's paths.
func (s Site) start() string {
	if s.Prefix == "" {
		return "^(?=/)"
	}
	return "^" + regexp.QuoteMeta(s.Prefix) + "(?=/|$)"
}

// below is the variable with the patterns of what lies below a prefix, "" for
// the whole host. The bytes of a prefix that a variable's name cannot have, and
// the one that says so, are written as their codes.
func below(prefix string) string {
	return "var.launcher_below" + strings.NewReplacer("/", "_2f", "_", "_5f", "~", "_7e").Replace(prefix)
}
