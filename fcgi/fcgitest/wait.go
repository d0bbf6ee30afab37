package fcgitest

import (
	"context"
	"testing"
	"time"
)

// Context ends after Patience.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Await receives from a channel.
func Await[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(Patience):
		t.Fatalf("%s did not happen", what)
		panic("unreachable")
	}
}

// Send sends to a channel.
func Send[T any](t testing.TB, what string, to chan<- T, value T) {
	t.Helper()
	select {
	case to <- value:
	case <-time.After(Patience):
		t.Fatalf("%s did not happen", what)
	}
}

// Eventually polls for what nothing tells.
func Eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
