//go:build linux

package cli

import (
	"launcher/cmd/launcher/internal/experiment"
	"launcher/cmd/launcher/internal/metrics"
	"launcher/preforker"
	"launcher/preforker/core"
	"launcher/preforker/ruby"
)

// optionWords are the values that options can have, where these are words of the program's and the text of the option does not name them
// as others do (wordsInText).
func optionWords() map[string][]string {
	words := map[string][]string{
		optSpawnMethod:   {string(preforker.SpawnSmart), string(preforker.SpawnDirect)},
		optMountedBy:     {string(ruby.MountedByAuto), string(ruby.MountedByLauncher), string(ruby.MountedByApp)},
		optSpare:         {string(core.SpareAuto), string(core.SpareNone), string(core.SpareOne)},
		optReforkAfter:   {"auto", "never"},
		optServer:        serverNames(),
		optMetricsCompat: metrics.CompatNames(),
		optEnvironment:   {"production", "development", "test"}, // which every application of Rails has
	}
	for _, optimization := range ruby.Optimizations() {
		words[optWithout] = append(words[optWithout], string(optimization))
	}
	for _, method := range experiment.Methods() {
		words[optMethod] = append(words[optMethod], string(method))
	}
	return words
}
