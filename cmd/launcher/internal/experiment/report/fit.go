package report

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// line is y = a + b·x, the least squares through points. aError and bError are its
// standard errors and r2 is how much of the variance it explains: NaN where that cannot
// be told.
type line struct {
	a, b           float64
	aError, bError float64
	r2             float64
	points         int
}

// fit returns the line through points, and whether there is one: it takes two
// different x. With two points it goes through both, so its errors are unknown; they
// need one degree of freedom more.
func fit(x, y []float64) (line, bool) {
	found := line{points: len(x), aError: math.NaN(), bError: math.NaN(), r2: math.NaN()}
	if len(x) < 2 {
		return found, false
	}
	mean, variance := stat.MeanVariance(x, nil)
	if variance == 0 {
		return found, false
	}
	found.a, found.b = stat.LinearRegression(x, y, nil, false)
	if len(x) < 3 {
		return found, true
	}
	freedom := float64(len(x) - 2)
	squares := variance * float64(len(x)-1)
	var residual float64
	for i := range x {
		difference := y[i] - found.a - found.b*x[i]
		residual += difference * difference
	}
	scatter := residual / freedom
	found.bError = math.Sqrt(scatter / squares)
	found.aError = math.Sqrt(scatter * (1/float64(len(x)) + mean*mean/squares))
	if stat.Variance(y, nil) > 0 {
		found.r2 = stat.RSquared(x, y, nil, found.a, found.b)
	}
	return found, true
}

// hasError says whether the line's errors are known.
func (l line) hasError() bool { return l.points >= 3 }

// formula returns the line as the article wrote its own: 30.0 + 1.7·n.
func (l line) formula() string {
	if l.b < 0 {
		return decimals(l.a, 1) + " − " + decimals(-l.b, 1) + "·n"
	}
	return decimals(l.a, 1) + " + " + decimals(l.b, 1) + "·n"
}
