package experiment

import "testing"

// The first seconds of a load are not the worst ones, and its second half is what is steady.
func TestWorstOfTheWindows(t *testing.T) {
	var traffic Traffic
	traffic.Seconds = 12
	for i, requests := range []int{4, 10, 20, 120, 300, 400, 400, 420, 380, 400, 400} {
		traffic.Windows = append(traffic.Windows, Window{Seconds: float64(i), Requests: requests, P99Ms: float64(1000 - 90*i)})
	}
	traffic.Windows[9].P99Ms = 50
	if throughput, p99 := traffic.Steady(); throughput != 200 || p99 != 280 {
		t.Errorf("steady: %v requests/s, p99 %v", throughput, p99)
	}
	if lowest, found := traffic.Lowest(); !found || lowest != 60 {
		t.Errorf("lowest %v, %t: those before the third second are none", lowest, found)
	}
	if worst, found := traffic.WorstP99(); !found || worst != 820 {
		t.Errorf("worst %v, %t: those before the second second are none", worst, found)
	}
	short := Traffic{Seconds: 2.5, Windows: traffic.Windows[:1]}
	if _, found := short.Lowest(); found {
		t.Error("the lowest of nothing")
	}
	if throughput, p99 := short.Steady(); throughput != 0 || p99 != 0 {
		t.Errorf("steady of nothing: %v, %v", throughput, p99)
	}
}

func TestMedian(t *testing.T) {
	for want, values := range map[float64][]float64{0: nil, 3: {3}, 2: {3, 1, 2}, 2.5: {4, 1, 2, 3}} {
		if got := Median(values); got != want {
			t.Errorf("median of %v is %v", values, got)
		}
	}
}
