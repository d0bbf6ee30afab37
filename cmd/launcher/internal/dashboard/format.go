package dashboard

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"launcher/preforker/printable"
)

// none is shown where there is no figure.
const none = "–"

const (
	kB = 1 << 10
	mB = 1 << 20
	gB = 1 << 30
)

// visible is a text of others, in which every character can be seen.
func visible(text string) string { return printable.Mask(text, utf8.RuneError) }

// inBytes returns a size in the unit that leaves two or three digits.
func inBytes(bytes uint64) string {
	switch {
	case bytes < mB:
		return strconv.FormatUint((bytes+kB/2)/kB, 10) + "\u00a0kB"
	case bytes < 10*mB:
		return strconv.FormatFloat(float64(bytes)/mB, 'f', 1, 64) + "\u00a0MB"
	case bytes < 10*gB:
		return strconv.FormatUint((bytes+mB/2)/mB, 10) + "\u00a0MB"
	default:
		return strconv.FormatFloat(float64(bytes)/gB, 'f', 1, 64) + "\u00a0GB"
	}
}

// inTime returns a time in seconds in one or two units.
func inTime(seconds float64) string {
	whole := int(seconds)
	switch {
	case seconds <= 0:
		return "0\u00a0s"
	case seconds < 0.0095:
		return strconv.FormatFloat(1000*seconds, 'f', 1, 64) + "\u00a0ms"
	case seconds < 0.9995:
		return strconv.FormatFloat(1000*seconds, 'f', 0, 64) + "\u00a0ms"
	case seconds < 9.95:
		return strconv.FormatFloat(seconds, 'f', 1, 64) + "\u00a0s"
	case seconds < 60:
		return strconv.Itoa(whole) + "\u00a0s"
	case seconds < 3600:
		return fmt.Sprintf("%d\u00a0min\u00a0%d\u00a0s", whole/60, whole%60)
	case seconds < 24*3600:
		return fmt.Sprintf("%d\u00a0h\u00a0%d\u00a0min", whole/3600, whole%3600/60)
	default:
		return fmt.Sprintf("%d\u00a0d\u00a0%d\u00a0h", whole/86400, whole%86400/3600)
	}
}

// inRate returns a number of things a second.
func inRate(rate float64) string {
	if rate < 9.95 {
		return strconv.FormatFloat(rate, 'f', 1, 64)
	}
	return strconv.FormatFloat(rate, 'f', 0, 64)
}

// clock is the time of day.
func clock(at time.Time) string { return at.Local().Format(time.TimeOnly) }

// grouped is a number with its digits in groups.
func grouped(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// counted is a number of things, in their singular or plural.
func counted[N int | uint64](n N, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
