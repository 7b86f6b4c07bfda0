package worker

import (
	"fmt"
	"net/http"
	"path"
	"slices"
)

// Probed is what Probes looks at: a Worker or a Mux.
type Probed interface{ Health() Health }

// Probes serves the probes of an orchestrator for all workers of a process: paths
// that end in "/live" and "/ready" answer 200 or 503, with the problems as text.
// Not ready: before the start, while draining, and while there is a problem. Not
// live: only what a restart would mend.
func Probes(workers ...Probed) http.Handler {
	live, ready := probe(workers, Health.Live), probe(workers, Health.Ready)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		switch {
		case name != "live" && name != "ready":
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		case name == "live":
			live(w)
		default:
			ready(w)
		}
	})
}

func probe(workers []Probed, well func(Health) bool) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		code := http.StatusOK
		var lines []string
		for _, p := range workers {
			h := p.Health()
			if !well(h) {
				code = http.StatusServiceUnavailable
			}
			lines = append(lines, slices.Concat([]string{string(h.Phase)}, h.Problems)...)
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(code)
		for _, l := range lines {
			fmt.Fprintln(w, l)
		}
	}
}
