package main

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

//go:embed *.mutants
var tables embed.FS

// mutant is one way to break a rule, and the tests that must notice.
type mutant struct {
	rule  string // "R5"
	name  string // what the broken code does
	file  string // path inside the repository
	edits []edit
	tests []string // packages, the likeliest killer first
	diff  string   // as written in the table
}

// edit replaces whole lines, which must stand exactly once in the file.
type edit struct{ old, new string }

// mutants reads every table.
func mutants() ([]mutant, error) {
	names, err := fs.Glob(tables, "*.mutants")
	if err != nil {
		return nil, err
	}
	var all []mutant
	for _, name := range names {
		text, err := tables.ReadFile(name)
		if err != nil {
			return nil, err
		}
		ms, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, ms...)
	}
	return all, nil
}

// parse reads one table; see doc.go for its form.
func parse(text string) ([]mutant, error) {
	head, rest, _ := strings.Cut("\n"+text, "\n== ")
	tests := packages(head)
	if len(tests) == 0 {
		return nil, fmt.Errorf("no line of tests before the first mutant")
	}
	var ms []mutant
	for _, block := range strings.Split(rest, "\n== ") {
		m, err := parseMutant(block)
		if err != nil {
			return nil, err
		}
		m.tests = tests
		ms = append(ms, m)
	}
	return ms, nil
}

// packages reads the line "tests: ./a ./b".
func packages(head string) []string {
	for line := range strings.Lines(head) {
		if list, ok := strings.CutPrefix(line, "tests:"); ok {
			return strings.Fields(list)
		}
	}
	return nil
}

func parseMutant(block string) (mutant, error) {
	title, body, _ := strings.Cut(block, "\n")
	rule, name, ok := strings.Cut(title, " ")
	file, diff, _ := strings.Cut(body, "\n")
	m := mutant{rule: rule, name: name, file: strings.TrimSpace(file), diff: strings.TrimRight(diff, "\n")}
	if !ok || m.file == "" {
		return m, fmt.Errorf("mutant %q: want a rule and a name, then a file", title)
	}
	for _, hunk := range strings.Split(m.diff, "\n@@\n") {
		e, err := parseEdit(hunk)
		if err != nil {
			return m, fmt.Errorf("mutant %q: %w", title, err)
		}
		m.edits = append(m.edits, e)
	}
	return m, nil
}

// parseEdit reads lines that are added (+), taken away (-) or kept (a space, or
// nothing at all).
func parseEdit(hunk string) (edit, error) {
	var e edit
	for line := range strings.SplitSeq(hunk, "\n") {
		mark, text := " ", ""
		if line != "" {
			mark, text = line[:1], line[1:]
		}
		switch mark {
		case " ":
			e.old += "\n" + text
			e.new += "\n" + text
		case "-":
			e.old += "\n" + text
		case "+":
			e.new += "\n" + text
		default:
			return e, fmt.Errorf("line %q begins with none of %q", line, "+- ")
		}
	}
	if e.old == e.new {
		return e, fmt.Errorf("changes nothing")
	}
	return e, nil
}

// apply returns src with the mutant in it.
func (m mutant) apply(src []byte) ([]byte, error) {
	src = append([]byte("\n"), src...)
	for _, e := range m.edits {
		old := []byte(e.old + "\n")
		at := bytes.Index(src, old)
		if at < 0 {
			return nil, fmt.Errorf("%s doesn't have this text:%s", m.file, e.old)
		}
		if bytes.Contains(src[at+1:], old) {
			return nil, fmt.Errorf("%s has this text more than once:%s", m.file, e.old)
		}
		src = slices.Concat(src[:at], []byte(e.new), src[at+len(e.old):])
	}
	return src[1:], nil
}
