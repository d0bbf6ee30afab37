package preforker

import (
	"log/slog"
	"time"

	"launcher/preforker/control"
	"launcher/preforker/ident"
	"launcher/preforker/proc"
)

// memoryLimits are what the kernel does where memory is short.
type memoryLimits struct {
	bytes uint64 // that all processes together can have; 0: not known
	file  string // of the cgroup that has this limit; "": it is the machine's memory
	kills oomKills
}

// readMemoryLimits finds out who limits the memory, and warns where the kernel would end the launcher with a worker.
func readMemoryLimits(log *slog.Logger) (m memoryLimits) {
	var err error
	if m.bytes, m.file, err = proc.LimitBy(); err != nil {
		log.Warn("the limit of memory is unknown", keyError, err)
	}
	group, err := proc.OwnCgroup()
	if err != nil {
		return m // which was told
	}
	if file := group.EndedTogether(); file != "" {
		log.Warn("where memory is short the kernel ends all processes of this cgroup together, the launcher too", keyPath, file,
			keyAdvice, "write 0 to that file, or have it not set: OOMPolicy=continue in a unit of systemd, singleProcessOOMKill of the kubelet")
	}
	m.kills = oomKills{read: group.OOMKills}
	m.kills.note(time.Now())
	m.kills.recent = nil
	return m
}

// oomMemory is for how long a kill that the kernel has counted may be that of a process whose end is heard of later.
const oomMemory = 10 * time.Second

// oomKills tells who was ended by the kernel because memory was short: it counts such ends, and says nothing of whose they are.
type oomKills struct {
	read   func() (uint64, error) // nil: nobody tells
	seen   uint64
	noted  time.Time
	recent []time.Time // those that nobody's end was explained by yet
}

// oomPeriod is how often the kernel is asked while nobody ends: it counts for the whole machine each time.
const oomPeriod = oomMemory / 2

// follow is note from time to time, so that a kill that is none of the workers' does not explain a later end of one.
func (k *oomKills) follow(now time.Time) {
	if now.Sub(k.noted) >= oomPeriod {
		k.note(now)
	}
}

// note looks whether the kernel has ended a process.
func (k *oomKills) note(now time.Time) {
	if k.read == nil {
		return
	}
	k.noted = now
	for len(k.recent) > 0 && now.Sub(k.recent[0]) > oomMemory {
		k.recent = k.recent[1:]
	}
	kills, err := k.read()
	if err != nil {
		return
	}
	for range min(kills-min(k.seen, kills), ident.MaxWorkers) {
		k.recent = append(k.recent, now)
	}
	k.seen = kills
}

// explain says whether it was the kernel that has ended a process which nobody here has killed. The count is up before the process
// ends.
func (k *oomKills) explain(exit ident.ExitStatus, killed bool, now time.Time) bool {
	k.note(now)
	if exit.Signal != ident.SIGKILL || killed || len(k.recent) == 0 {
		return false
	}
	k.recent = k.recent[1:]
	return true
}

func (m *memoryLimits) status() *control.MemoryLimit {
	if m.bytes == 0 {
		return nil
	}
	return &control.MemoryLimit{Bytes: m.bytes, File: m.file}
}
