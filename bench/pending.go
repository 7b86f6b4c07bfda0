package main

import (
	"slices"

	"github.com/leat-go/leat/backends"
)

// present leaves our sides out while backends/sqlite isn't imported (by a blank
// import in leatsqlite.go); this file goes then.
func present(rows []row) []row {
	if slices.Contains(backends.Default.Schemes(), "sqlite") {
		return rows
	}
	var out []row
	for _, r := range rows {
		r.sides = slices.DeleteFunc(slices.Clone(r.sides), func(s side) bool { return s.role == ours })
		r.goals = nil
		if len(r.sides) > 0 {
			out = append(out, r)
		}
	}
	return out
}
