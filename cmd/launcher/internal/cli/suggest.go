//go:build linux

package cli

import "github.com/xrash/smetrics"

// The likeness from which on a word is taken for a misspelt one, by Jaro and Winkler: exchanged, missing and doubled
// letters stay above, another word that begins alike stays below.
const (
	alike      = 0.88
	boostFrom  = 0.7
	prefixSize = 4
)

// nearest is the name that a word is most like, or "" where none is.
func nearest(word string, names []string) (near string) {
	best := alike
	for _, name := range names {
		if likeness := smetrics.JaroWinkler(word, name, boostFrom, prefixSize); likeness > best {
			near, best = name, likeness
		}
	}
	return near
}
