package protocol

import (
	"fmt"
	"strings"
)

// trace keeps what happened in a run, for people. It is only filled when a failing seed is run once more.
type trace struct{ events []happening }

type happening struct {
	at   instant
	who  string
	id   string
	text string
}

func (w *world) tracef(p *process, id, format string, args ...any) {
	if w.log == nil {
		return
	}
	who := "broker"
	if p != nil {
		who = p.name
	}
	w.log.events = append(w.log.events, happening{w.now, who, id, fmt.Sprintf(format, args...)})
}

func (e happening) String() string {
	return fmt.Sprintf("%12.3fs  %-12s %-10s %s", e.at.Seconds(), e.who, e.id, e.text)
}

// of gives the last n events that concern this job (any job, if the id is empty).
func (t *trace) of(id string, n int) string {
	var lines []string
	for _, e := range t.events {
		if e.id == id || id == "" {
			lines = append(lines, e.String())
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
