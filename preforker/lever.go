package preforker

import (
	"fmt"
	"slices"
	"strings"
)

// Lever is one of the ways to keep the workers' memory shared. Each of them is on
// unless Config.Without has it; scripts/README.md says what each one gains.
type Lever string

// The levers, in the order in which they come in a preloader's life. The Ruby
// side knows those that are its own by these names.
const (
	LeverHugePages    Lever = "huge-pages"   // no transparent huge pages for Ruby
	LeverHeapSize     Lever = "heap-size"    // a Ruby heap that is born at its final size
	LeverArena        Lever = "arena"        // requests allocate apart from the loaded application
	LeverEagerLoad    Lever = "eager-load"   // all code is loaded, where the application does not do so itself
	LeverRoutes       Lever = "routes"       // the router is built
	LeverSecrets      Lever = "secrets"      // the keys of cookies are derived
	LeverTranslations Lever = "translations" // those of the default locale are loaded
	LeverControllers  Lever = "controllers"  // controllers know their actions, callbacks and views
	LeverViews        Lever = "views"        // templates are compiled
	LeverRecords      Lever = "records"      // ActiveRecord knows its tables
	LeverCollect      Lever = "collect"      // what loading left behind is collected
	LeverCompact      Lever = "compact"      // the Ruby heap is compacted
	LeverResponder    Lever = "responder"    // what answers FastCGI has done so before
	LeverBetween      Lever = "between"      // garbage is collected between two requests
)

// Levers are all of them.
func Levers() []Lever {
	return []Lever{LeverHugePages, LeverHeapSize, LeverArena, LeverEagerLoad, LeverRoutes, LeverSecrets, LeverTranslations,
		LeverControllers, LeverViews, LeverRecords, LeverCollect, LeverCompact, LeverResponder, LeverBetween}
}

// ParseLevers reads the names of levers.
func ParseLevers(names []string) ([]Lever, error) {
	known, levers := Levers(), make([]Lever, 0, len(names))
	for _, name := range names {
		lever := Lever(strings.TrimSpace(name))
		if !slices.Contains(known, lever) {
			return nil, fmt.Errorf("%q is none of %s", name, joinLevers(known, ", "))
		}
		levers = append(levers, lever)
	}
	return levers, nil
}

func joinLevers(levers []Lever, separator string) string {
	names := make([]string, len(levers))
	for i, lever := range levers {
		names[i] = string(lever)
	}
	return strings.Join(names, separator)
}
