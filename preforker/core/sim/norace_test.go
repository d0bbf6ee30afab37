//go:build !race

package sim

const usualHistories = 20000
