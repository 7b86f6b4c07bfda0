// Command mutants checks the tests themselves (row A4 of the test plan): it
// breaks one rule at a time and expects a test to notice.
//
//	go run ./internal/mutants              # all
//	go run ./internal/mutants -run R5      # those whose rule, name or file matches
//	go run ./internal/mutants -every 4     # each fourth
//
// The tables are the *.mutants files, one per package. A table names the tests
// that must kill its mutants; each mutant is a rule, what the broken code does,
// a file, and a change in the manner of a diff. "@@" stands between two changes
// to one file:
//
//	tests: ./backends/memory ./backends
//
//	== R5 a stale token settles
//	backends/settle.go
//	-	case s.Lease.Token != l.Token:
//	+	case s.Lease.Token > l.Token:
//	 		return l, ErrLost
//
// The lines to change must stand exactly once in the file. A mutant that
// doesn't compile is a mistake in the table; one that hangs was noticed. The
// files on disk are never touched: the compiler gets the change as an overlay.
package main
