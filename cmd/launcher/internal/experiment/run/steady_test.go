package run

import (
	"math"
	"testing"
)

func TestSteady(t *testing.T) {
	var s steadiness
	second := 0
	for ; !s.enough(100+min(second, 30)*10, uint64(1000+max(0, 40-second)*10)); second++ {
		if second > 100 {
			t.Fatal("never steady")
		}
	}
	if second < 40 || second > 55 {
		t.Errorf("steady after %d seconds: throughput is from 30 on, memory from 40", second)
	}
	var never steadiness
	for second = 0; !never.enough(int(1000*math.Pow(1.01, float64(second))), 1); second++ {
	}
	if second != steadyLimit-1 {
		t.Errorf("ended after %d seconds", second)
	}
}
