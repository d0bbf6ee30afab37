package report

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
