//go:build race

package sqlite_test

// raced: the race detector is on, under which SQLite in Go is 19 times slower. Then the
// rules are left to the run without it, and what runs at the same time stays.
const raced = true
