package buckettest

import (
	"github.com/google/go-cmp/cmp"
)

// inOrder are keys by their bytes: '-' and '.' come before '/', digits after.
// Folder by folder they would stand otherwise.
var inOrder = []string{
	"2026-12-08/z",
	"2026-12-09-x",
	"2026-12-09.x",
	"2026-12-09/0",
	"2026-12-09/a-b",
	"2026-12-09/a.b",
	"2026-12-09/a/b",
	"2026-12-09/a/c/d",
	"2026-12-09/a0",
	"2026-12-10/a",
	"loose",
}

var listCases = []testCase{
	{
		name: "ListIsInOrderOfWholeKeys",
		why:  "a sweeper that stops at the first day of no concern leaves older ones behind",
		run: func(e *env) {
			if diff := cmp.Diff([]string{}, e.list("")); diff != "" {
				e.Errorf("an empty bucket (-want +got):\n%s", diff)
			}
			for i := range inOrder { // written in another order
				e.write(inOrder[i*7%len(inOrder)], nil)
			}
			if diff := cmp.Diff(inOrder, e.list("")); diff != "" {
				e.Errorf("all (-want +got):\n%s", diff)
			}
		},
	},
	{
		name: "APrefixIsOfBytes",
		why:  "a listing of one day shows another's, or misses some",
		run: func(e *env) {
			for _, key := range inOrder {
				e.write(key, nil)
			}
			for prefix, want := range map[string][]string{
				"2026-12-09/":      inOrder[3:9],
				"2026-12-09":       inOrder[1:9],
				"2026-12-0":        inOrder[:9],
				"2026-12-09/a":     inOrder[4:9],
				"2026-12-09/a/":    inOrder[6:8],
				"2026-12-09/a/c/d": inOrder[7:8],
				"lo":               inOrder[10:],
				"2027":             {},
				"2026-12-09/0/":    {},
			} {
				if diff := cmp.Diff(want, e.list(prefix)); diff != "" {
					e.Errorf("%q (-want +got):\n%s", prefix, diff)
				}
			}
		},
	},
	{
		name: "AListingMayBeLeft",
		why:  "a sweeper that has seen enough panics",
		run: func(e *env) {
			for _, key := range inOrder {
				e.write(key, nil)
			}
			seen := 0
			for range e.List(e.ctx, "2026-12-09") {
				if seen++; seen == 3 {
					break
				}
			}
			if seen != 3 {
				e.Errorf("saw %d keys", seen)
			}
		},
	},
	{
		name: "WhatIsListedMayBeDeletedMeanwhile",
		why:  "a sweep fails in the middle of its own work",
		run: func(e *env) {
			for _, key := range inOrder {
				e.write(key, nil)
			}
			for key, err := range e.List(e.ctx, "") {
				if err != nil {
					e.Fatal(err)
				}
				e.remove(key)
			}
			if diff := cmp.Diff([]string{}, e.list("")); diff != "" {
				e.Errorf("left (-want +got):\n%s", diff)
			}
		},
	},
}
