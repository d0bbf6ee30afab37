package lighttpd

import "strings"

// trusted are the headers that applications believe because a proxy sets them.
func trusted() []string {
	return []string{
		"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Ssl",
		"X-Forwarded-Scheme", "X-Real-Ip", "Client-Ip", "X-Request-Start", "X-Sendfile-Type", "X-Accel-Mapping",
	}
}

// writeHeaders writes what drops other spellings of trusted headers.
//
// FastCGI has one name for X-Forwarded-For, X_Forwarded_For and X.Forwarded.For,
// so a client could say what only a proxy should. lighttpd refuses a request with
// two of them from 1.4.83 on, and never one alone. An empty value takes a
// header away.
func writeHeaders(w *writer) {
	w.comment("A client cannot say in other spelling what applications believe of a proxy.")
	w.line("setenv.set-request-header += (")
	w.depth++
	for _, name := range trusted() {
		w.line("%s,", strings.Join(emptied(name), ", "))
	}
	w.depth--
	w.line(")")
}

// emptied are the pairs that take away each spelling of a name with other bytes
// in the place of its hyphens.
func emptied(name string) (pairs []string) {
	spellings := []string{""}
	for _, part := range strings.SplitAfter(name, "-") {
		part, hyphen := strings.CutSuffix(part, "-")
		var longer []string
		for _, spelling := range spellings {
			if !hyphen {
				longer = append(longer, spelling+part)
				continue
			}
			for _, separator := range []string{"-", "_", "."} {
				longer = append(longer, spelling+part+separator)
			}
		}
		spellings = longer
	}
	for _, spelling := range spellings {
		if spelling != name {
			pairs = append(pairs, quote(spelling)+` => ""`)
		}
	}
	return pairs
}
