package sim

import (
	"time"

	"launcher/preforker/core"
)

func drawPolicy(ch *choices) core.Policy {
	p := core.Policy{BootTimeout: []time.Duration{time.Minute, 10 * time.Second, 5 * time.Minute}[ch.below(3)],
		DrainTimeout: []time.Duration{30 * time.Second, 5 * time.Second, 2 * time.Minute}[ch.below(3)],
		Method:       []core.SpawnMethod{core.SpawnSmart, core.SpawnSmart, core.SpawnSmart, core.SpawnDirect}[ch.below(4)],
		LoadsAtOnce:  []int{2, 1, 4}[ch.below(3)], MeasurePeriod: 200 * time.Millisecond}
	switch ch.below(6) {
	case 1, 2:
		p.Renewal.Budget.Auto = true
	case 3:
		p.Renewal.Budget.Bytes = 20 * megabyte
	case 4:
		p.Renewal.MaxRequests = 50
	case 5:
		p.Renewal = core.Renewal{Budget: core.Budget{Bytes: 20 * megabyte}, MaxRequests: 50}
	}
	switch ch.below(4) {
	case 1, 2:
		p.Refork = core.AutoRefork()
	case 3:
		p.Refork = core.Refork{After: []uint64{1, 3, 9}}
	}
	if ch.below(3) == 1 {
		p.MemoryLimit = 512 * megabyte
	}
	if len(p.Refork.After) > 0 && ch.below(2) == 1 {
		p.Seeds, p.SeedTime = 1+ch.below(3), []time.Duration{time.Second, 10 * time.Second}[ch.below(2)]
	}
	switch ch.below(4) {
	case 1:
		p.Spare = core.SpareAuto
	case 2, 3:
		p.Spare = core.SpareOne
	}
	p.Limits = drawLimits(ch)
	if p.Method != core.SpawnDirect {
		p.Early = []int{0, 1, 2}[ch.below(3)]
	}
	if ch.below(3) == 1 {
		p.Min, p.IdleTimeout = 1+ch.below(3), []time.Duration{10 * time.Second, time.Second, time.Minute}[ch.below(3)]
	}
	p.KeepsSockets = ch.below(4) == 1
	return p
}
