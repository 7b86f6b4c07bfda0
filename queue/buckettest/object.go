package buckettest

import (
	"bytes"
	"math/rand/v2"
)

var objectCases = []testCase{
	{
		name: "WhatIsWrittenIsRead",
		why:  "a handler gets other args than were enqueued",
		run: func(e *env) {
			big := make([]byte, 3<<20+1) // more than one part, chunk or buffer of most
			rand.NewChaCha8([32]byte{}).Read(big)
			for key, data := range map[string][]byte{
				"2026-12-09/empty":    {},
				"2026-12-09/one":      {0},
				"2026-12-09/text":     []byte("{\"sku\":\"22423\"}\r\n"),
				"2026-12-09/big":      big,
				"2026-12-10/a.b-c/0":  []byte("below another folder"),
				"2026-12-10/a.b-c/01": []byte("beside it"),
				"loose":               []byte("in no folder"),
			} {
				e.write(key, data)
				if got := e.read(key); !bytes.Equal(got, data) {
					e.Errorf("%s: read %d bytes, wrote %d, or others", key, len(got), len(data))
				}
			}
		},
	},
	{
		name: "DataIsNotKept",
		why:  "a caller that reuses its buffer changes a stored payload",
		run: func(e *env) {
			data := []byte("as it was")
			e.write("2026-12-09/a", data)
			copy(data, "otherwise")
			if got := e.read("2026-12-09/a"); string(got) != "as it was" {
				e.Errorf("read %q", got)
			}
		},
	},
	{
		name: "AnExistingKeyIsNotOverwritten",
		why:  "two producers that chose one key change each other's job",
		run: func(e *env) {
			e.write("2026-12-09/a", []byte("first"))
			e.refusesToOverwrite("2026-12-09/a", []byte("second"))
			e.refusesToOverwrite("2026-12-09/a", []byte("first"))
			e.refusesToOverwrite("2026-12-09/a", nil)
			e.write("2026-12-09/b", nil) // an empty one exists as well
			e.refusesToOverwrite("2026-12-09/b", []byte("second"))
			if a, b := e.read("2026-12-09/a"), e.read("2026-12-09/b"); string(a) != "first" || len(b) != 0 {
				e.Errorf("read %q and %q", a, b)
			}
		},
	},
	{
		name: "AMissingKeyIsAbsent",
		why:  "a payload that has gone for good is taken for an outage, and its job retried for ever",
		run: func(e *env) {
			e.isAbsent("2026-12-09/a")
			e.write("2026-12-09/a", nil)
			e.isAbsent("2026-12-09/b")
			e.isAbsent("2026-12-09") // a folder at most
			e.isAbsent("2026-12-09/a/b")
		},
	},
	{
		name: "DeleteRemovesAndIsRepeatable",
		why:  "two sweepers that meet, or one that died half-way, report errors for ever",
		run: func(e *env) {
			e.remove("2026-12-09/never-there")
			e.write("2026-12-09/a", []byte("first"))
			e.write("2026-12-09/b", []byte("stays"))
			e.remove("2026-12-09") // no object
			e.remove("2026-12-09/a")
			e.isAbsent("2026-12-09/a")
			e.remove("2026-12-09/a")
			e.write("2026-12-09/a", []byte("second"))
			if a, b := e.read("2026-12-09/a"), e.read("2026-12-09/b"); string(a) != "second" || string(b) != "stays" {
				e.Errorf("read %q and %q", a, b)
			}
		},
	},
}
