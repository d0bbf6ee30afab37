package report

import (
	"math"
	"testing"

	"gonum.org/v1/plot/plotter"
)

// By hand: x = 1…5, y = 2, 4, 5, 4, 5. The means are 3 and 4, Sxx = 10, Sxy = 6, so
// b = 0.6 and a = 2.2. The residuals -0.8, 0.6, 1, -0.6, -0.2 have squares that sum to
// 2.4, so s² = 2.4/3 = 0.8; the error of b is √(0.8/10) and that of a
// √(0.8·(1/5 + 9/10)); Syy = 6, so R² = 1 - 2.4/6.
func TestFit(t *testing.T) {
	got, ok := fit([]float64{1, 2, 3, 4, 5}, []float64{2, 4, 5, 4, 5})
	if !ok {
		t.Fatal("no line")
	}
	for name, pair := range map[string][2]float64{
		"a": {got.a, 2.2}, "b": {got.b, 0.6}, "error of a": {got.aError, math.Sqrt(0.88)},
		"error of b": {got.bError, math.Sqrt(0.08)}, "R²": {got.r2, 0.6},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-12 {
			t.Errorf("%s is %v, want %v", name, pair[0], pair[1])
		}
	}
}

func TestFitOfTheArticle(t *testing.T) {
	var x, y []float64
	for n := 1.0; n <= 10; n++ {
		x, y = append(x, n), append(y, articleForkedAt(n))
	}
	got, _ := fit(x, y)
	if got.formula() != "30.0 + 1.7·n" || got.bError > 1e-9 || got.r2 < 1-1e-9 {
		t.Errorf("got %+v", got)
	}
	if at := articleDirectAt(10); at != 186 {
		t.Errorf("2007 had %v", at)
	}
	if at := articleForkedAt(10); at != 47 {
		t.Errorf("2007 had %v", at)
	}
}

func TestFitOfFewPoints(t *testing.T) {
	if _, ok := fit(nil, nil); ok {
		t.Error("a line through nothing")
	}
	if _, ok := fit([]float64{3}, []float64{5}); ok {
		t.Error("a line through one point")
	}
	if _, ok := fit([]float64{3, 3, 3}, []float64{5, 6, 7}); ok {
		t.Error("a line that stands upright")
	}
	got, ok := fit([]float64{2, 4}, []float64{10, 6})
	if !ok || got.formula() != "14.0 − 2.0·n" || got.hasError() || isNumber(got.aError) || isNumber(got.r2) {
		t.Errorf("two points: %+v, %t", got, ok)
	}
	level, ok := fit([]float64{1, 2, 3}, []float64{4, 4, 4})
	if !ok || level.b != 0 || level.bError != 0 || isNumber(level.r2) {
		t.Errorf("a level line: %+v", level)
	}
}

func TestThinKeepsThePeak(t *testing.T) {
	points := make(plotter.XYs, 100_000)
	for i := range points {
		points[i] = plotter.XY{X: float64(i), Y: 10}
	}
	points[70_001].Y, points[70_002].Y = 500, 1
	kept := thin(points)
	if len(kept) > maxPoints {
		t.Errorf("%d points", len(kept))
	}
	high, low := false, false
	for i, at := range kept {
		high, low = high || at.Y == 500, low || at.Y == 1
		if i > 0 && at.X <= kept[i-1].X {
			t.Fatalf("point %d goes back", i)
		}
	}
	if !high || !low {
		t.Error("an extreme is lost")
	}
}
