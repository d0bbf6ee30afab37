package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"launcher/preforker/printable"
	"launcher/preforker/proc"
)

// unitText tells a reader: the article of 2007 read its figures from free, and they could not be compared otherwise.
const unitText = "MB is 1048576 bytes, as free -m counts."

// none stands where there is no figure.
const none = "–"

func toMB(bytes uint64) float64 { return float64(bytes) / proc.MB }

func megabytes(bytes uint64) string { return figure(toMB(bytes)) }

// grownMB returns by how much a figure of the machine grew. Where it fell, something else has given
// memory back, and that says nothing of what was measured.
func grownMB(now, before uint64) string {
	if now < before {
		return none
	}
	return figure(toMB(now) - toMB(before))
}

// figure returns a number without the digits that would differ in the next measurement.
func figure(value float64) string {
	if value == 0 {
		return "0"
	}
	if math.Abs(value) < 9.95 {
		return decimals(value, 1)
	}
	return decimals(value, 0)
}

func decimals(value float64, count int) string {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return none
	}
	text := strconv.FormatFloat(value, 'f', count, 64)
	if strings.Trim(text, "-0.") == "" {
		return strings.TrimPrefix(text, "-") // no "-0"
	}
	return text
}

func percent(part, whole float64) string {
	if whole <= 0 {
		return none
	}
	return decimals(100*part/whole, 0) + " %"
}

// times returns a ratio: 9.7 ×.
func times(value, of float64) string {
	if value <= 0 || of <= 0 {
		return none
	}
	return decimals(value/of, 1) + " ×"
}

func count(number int, one, many string) string {
	if number == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", number, many)
}

func moment(at time.Time) string {
	if at.IsZero() {
		return none
	}
	return at.Format("2006-01-02 15:04:05 -0700")
}

// textLimit bounds a text of somebody else. A server's error can be a page.
const textLimit = 400

// clean returns a text of somebody else as one line that every terminal and XML parser takes.
// What is cut ends in an ellipsis; results.json has all of it.
func clean[Text ~string](text Text) string {
	var out strings.Builder
	length := 0
	space := false
	for _, char := range strings.ToValidUTF8(string(text), string(utf8.RuneError)) {
		if unicode.IsSpace(char) || printable.Hidden(char) {
			space = out.Len() > 0
			continue
		}
		if space {
			out.WriteByte(' ')
			length++
			space = false
		}
		if length >= textLimit {
			out.WriteRune('…')
			break
		}
		out.WriteRune(char)
		length++
	}
	return out.String()
}

// commandLine returns a command as a shell takes it.
func commandLine(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = word
		if word == "" || strings.ContainsFunc(word, unsafeInShell) {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return clean(strings.Join(quoted, " "))
}

func unsafeInShell(char rune) bool {
	return !unicode.IsLetter(char) && !unicode.IsDigit(char) && !strings.ContainsRune("-_./:=,@+%", char)
}
