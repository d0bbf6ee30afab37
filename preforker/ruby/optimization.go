package ruby

import (
	"fmt"
	"slices"
	"strings"
)

// Optimization is one of the ways to keep the workers' memory shared. Each of them is on
// unless the user does without it; scripts/README.md says what each one gains.
type Optimization string

// The optimizations, in the order in which they take place. The Ruby side knows those that are
// its own by these names.
const (
	OptimizationHugePages    Optimization = "huge-pages"   // no transparent huge pages for Ruby
	OptimizationHeapSize     Optimization = "heap-size"    // a Ruby heap that starts at its final size
	OptimizationArena        Optimization = "arena"        // requests allocate apart from the loaded application
	OptimizationEagerLoad    Optimization = "eager-load"   // all code is loaded, where the application does not do so itself
	OptimizationRoutes       Optimization = "routes"       // the router is built
	OptimizationSecrets      Optimization = "secrets"      // the keys of cookies are derived
	OptimizationTranslations Optimization = "translations" // those of the default locale are loaded
	OptimizationControllers  Optimization = "controllers"  // controllers know their actions, callbacks and views
	OptimizationViews        Optimization = "views"        // templates are compiled
	OptimizationRecords      Optimization = "records"      // ActiveRecord knows its tables
	OptimizationCollect      Optimization = "collect"      // what loading left behind is collected
	OptimizationCompact      Optimization = "compact"      // the Ruby heap is compacted
	OptimizationResponder    Optimization = "responder"    // the code that serves FastCGI has run before
	OptimizationBetween      Optimization = "between"      // garbage is collected between two requests
)

// Optimizations returns all of them.
func Optimizations() []Optimization {
	return []Optimization{
		OptimizationHugePages, OptimizationHeapSize, OptimizationArena, OptimizationEagerLoad, OptimizationRoutes,
		OptimizationSecrets, OptimizationTranslations, OptimizationControllers, OptimizationViews, OptimizationRecords,
		OptimizationCollect, OptimizationCompact, OptimizationResponder, OptimizationBetween,
	}
}

// ParseOptimization reads the name of an optimization.
func ParseOptimization(name string) (Optimization, error) {
	known, optimization := Optimizations(), Optimization(strings.TrimSpace(name))
	if !slices.Contains(known, optimization) {
		return "", fmt.Errorf("%q is none of %s", name, JoinOptimizations(known, ", "))
	}
	return optimization, nil
}

// JoinOptimizations puts their names together.
func JoinOptimizations(optimizations []Optimization, separator string) string {
	names := make([]string, len(optimizations))
	for i, optimization := range optimizations {
		names[i] = string(optimization)
	}
	return strings.Join(names, separator)
}
