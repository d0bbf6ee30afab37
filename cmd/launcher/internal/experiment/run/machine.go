//go:build linux

package run

import (
	"bufio"
	"bytes"
	"os"
	"runtime"
	"strings"

	"launcher/cmd/launcher/internal/experiment"
	"launcher/preforker/proc"
)

// machine returns where this runs, as far as that is known: the report shows what is missing
// as unknown, and no measurement depends on it.
func machine() experiment.Machine {
	m := experiment.Machine{System: "unknown", Kernel: "unknown", Processor: "unknown", CPUs: runtime.NumCPU()}
	if name := field("/etc/os-release", "PRETTY_NAME", "="); name != "" {
		m.System = strings.Trim(name, `"`)
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = string(bytes.TrimSpace(release))
	}
	if name := field("/proc/cpuinfo", "model name", ":"); name != "" {
		m.Processor = name
	}
	if system, err := proc.Machine(); err == nil {
		m.Memory, m.Swap = system.Total, system.SwapTotal
	}
	if pages, err := proc.HugePages(); err == nil {
		m.HugePages = pages
	}
	return m
}

// field returns the first value of a key in a file of "key separator value" lines.
func field(path, key, separator string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, value, found := strings.Cut(lines.Text(), separator)
		if found && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
