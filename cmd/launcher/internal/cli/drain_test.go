//go:build linux

package cli

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestDrainLetsWorkersLeave at two thirds of its time, once no request needs them, or with the front.
func TestDrainLetsWorkersLeave(t *testing.T) {
	for name, test := range map[string]struct {
		needed []bool // from then on, look by look
		ended  time.Duration
		looks  int
		after  time.Duration
	}{
		"a slow download":        {needed: []bool{false, false}, looks: 2, after: 20*time.Second + neededPause},
		"between two requests":   {needed: []bool{false, true, false, false}, looks: 4, after: 20*time.Second + 3*neededPause},
		"the front has ended":    {ended: time.Second, after: time.Second},
		"it ends with an upload": {needed: []bool{true}, ended: 25 * time.Second, looks: 100, after: 25 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, looks := time.Now(), 0
				ended := make(chan struct{})
				if test.ended > 0 {
					time.AfterFunc(test.ended, func() { close(ended) })
				}
				newDrain(30*time.Second).awaitWorkless(ended, func() bool {
					looks++
					return test.needed[min(looks, len(test.needed))-1]
				})
				if took := time.Since(began); took != test.after || max(looks-test.looks, test.looks-looks) > 1 {
					t.Errorf("%v, %d looks", took, looks)
				}
			})
		})
	}
}

// TestDrainIsOver when its time has passed, at once where nobody has asked for a stop.
func TestDrainIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, began := newDrain(30*time.Second), time.Now()
		<-d.over()
		if took := time.Since(began); took != 0 {
			t.Errorf("without a stop: %v", took)
		}
		d.begin(began)
		<-d.over()
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("after a stop: %v", took)
		}
		d.cut()
		d.cut()
		<-d.hurry
	})
}
