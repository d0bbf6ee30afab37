package lighttpd

import "strings"

// quote writes s as a string of lighttpd's configuration.
//
// The tokenizer (config_tokenizer in configfile.c, the same rule in 1.4.35 and
// 1.4.85) knows one escape: \" stands for a quote. A backslash before anything
// else is itself, and $, %, # and spaces mean nothing inside a string. So s
// must not end with a backslash, which would swallow the closing quote: callers
// have checked for that, or end the path with a slash (quoteFolder).
func quote(s string) string {
	return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
}

// quoteFolder writes the path of a folder, ended with a slash. The slash
// makes a name that ends with a backslash writable.
func quoteFolder(path string) string {
	return quote(strings.TrimRight(path, "/") + "/")
}
