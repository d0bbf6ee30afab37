package report

import "fmt"

// The figures of the article of 2007: ten Rails processes, read from free, in MB.
const (
	articleProcesses = 10

	articleDirectLaunched = 171
	articleDirectLoaded   = 186
	articleForkedLaunched = 30
	articleForkedLoaded   = 47

	articleDirectSlope  = 18.6
	articleForkedOffset = 30
	articleForkedSlope  = 1.7

	articleDirect = "2007, one by one"
	articleForked = "2007, forked"
)

func articleDirectAt(n float64) float64 { return articleDirectSlope * n }
func articleForkedAt(n float64) float64 { return articleForkedOffset + articleForkedSlope*n }

// articleText returns what the article measured, for tables that its rows of ten processes have no place in.
func articleText() string {
	return fmt.Sprintf("2007: %d Rails processes took %d MB one by one and %d MB forked, by free, after httperf with 100 connections, 20 a second; %d and %d MB after the launch. That is a saving of %s.",
		articleProcesses, articleDirectLoaded, articleForkedLoaded, articleDirectLaunched, articleForkedLaunched, articleSaving())
}

func articleSaving() string {
	return percent(articleDirectLoaded-articleForkedLoaded, articleDirectLoaded)
}

func articleSavingOfTen() string {
	return fmt.Sprintf("%s, with %d processes", articleSaving(), articleProcesses)
}
