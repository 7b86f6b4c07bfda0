// Package verdict has the words for what must not have been, when a storm of jobs is over
// and all is quiet, and keeps what was found by word.
package verdict

import (
	"fmt"
	"slices"
	"strings"
)

// Word is what must not be.
type Word string

// The words.
const (
	Lost        Word = "lost"        // acknowledged, and gone
	Unexpected  Word = "unexpected"  // there, or run, and never asked for
	Duplicated  Word = "duplicated"  // took effect twice, or ran after it had
	Wrong       Word = "wrong"       // a result that nobody computed, an event that lies
	Illegal     Word = "illegal"     // against the rules: a stale token that is heard, say
	Unannounced Word = "unannounced" // an end whose event, or write-back, never left
	Stuck       Word = "stuck"       // not ended when calm has returned
)

var words = []Word{Lost, Unexpected, Duplicated, Wrong, Illegal, Unannounced, Stuck}

// Findings are lines by word. The zero value is ready; it is not safe for concurrent use.
type Findings struct{ lines map[Word][]string }

// Note adds one.
func (f *Findings) Note(w Word, format string, args ...any) {
	if f.lines == nil {
		f.lines = map[Word][]string{}
	}
	f.lines[w] = append(f.lines[w], string(w)+": "+fmt.Sprintf(format, args...))
}

// Add adds those of another run.
func (f *Findings) Add(o Findings) {
	if f.lines == nil {
		f.lines = map[Word][]string{}
	}
	for w, lines := range o.lines {
		f.lines[w] = slices.Concat(f.lines[w], lines)
	}
}

// Has reports whether there is something of the kind.
func (f Findings) Has(w Word) bool { return len(f.lines[w]) > 0 }

// Bad is all that was found; nil = all is well.
func (f Findings) Bad() (lines []string) {
	for _, w := range words {
		lines = append(lines, f.lines[w]...)
	}
	return lines
}

// Counts says how many there are of each word: "lost 0 unexpected 0 …".
func (f Findings) Counts() string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%s %d", w, len(f.lines[w]))
	}
	return b.String()
}
