package ruby

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"launcher/preforker/internal/wire"
)

// oldestRuby is the first whose GC.compact and pattern of keyword arguments the
// Ruby side relies on.
const oldestRuby = "2.7"

// CheckHello refuses a Ruby that the rest of the program cannot run on: the failure says why. Nil:
// it can.
func CheckHello(hello wire.Hello, ruby string) *wire.Failed {
	var message string
	switch {
	case hello.Version != wire.Version:
		message = fmt.Sprintf("the Ruby side speaks version %d, this launcher %d", hello.Version, wire.Version)
	case !hello.Fork:
		message = fmt.Sprintf("%s %s (%s) cannot fork; the launcher needs a Ruby that can: CRuby (MRI)", hello.Engine, hello.Ruby, ruby)
	case olderThan(hello.Ruby, oldestRuby):
		message = fmt.Sprintf("Ruby %s (%s) is too old; the launcher needs %s or later", hello.Ruby, ruby, oldestRuby)
	default:
		return nil
	}
	return &wire.Failed{Stage: stageRuby, Error: wire.Failure{Class: "unusable Ruby", Message: message}}
}

// stageRuby marks a failure that came before the application was touched.
const stageRuby = "ruby"

// olderThan compares dotted versions number by number. What is not a number counts
// as 0: "3.4.0-preview1" is not older than 3.4.
func olderThan(version, than string) bool {
	numbers := func(text string) (n []int) {
		for part := range strings.SplitSeq(text, ".") {
			i, _ := strconv.Atoi(part)
			n = append(n, i)
		}
		return n
	}
	return slices.Compare(numbers(version), numbers(than)) < 0
}
