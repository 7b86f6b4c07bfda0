package portal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// live stands in for what package endpoint learns meanwhile: the steps of a status, and
// the stream of events. It goes when that is there.
func live(jobs http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, streams := strings.CutSuffix(r.URL.Path, "/events")
		if !strings.HasPrefix(path, "/jobs/") || r.Method != http.MethodGet || strings.HasSuffix(path, "/result") {
			jobs.ServeHTTP(w, r)
			return
		}
		if !streams {
			status, body := stepped(jobs, r, path)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			w.Write(body)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		var last []byte
		for r.Context().Err() == nil {
			_, body := stepped(jobs, r, path)
			if !bytes.Equal(body, last) {
				fmt.Fprintf(w, "id: 1\ndata: %s\n\n", body)
				http.NewResponseController(w).Flush()
				last = body
			}
			if bytes.Contains(body, []byte(`"ended"`)) {
				return
			}
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
}

func stepped(jobs http.Handler, r *http.Request, path string) (int, []byte) {
	inner := r.Clone(r.Context())
	inner.URL.Path, inner.RequestURI = path, path
	got := httptest.NewRecorder()
	jobs.ServeHTTP(got, inner)
	var s map[string]any
	if json.Unmarshal(got.Body.Bytes(), &s) != nil || s["state"] == nil {
		return got.Code, got.Body.Bytes()
	}
	type step struct {
		Name  string `json:"name"`
		State string `json:"state"`
	}
	all := []step{{"accepted", "done"}, {"queued", "done"}, {"running", "done"}, {"done", "done"}}
	switch s["state"] {
	case "waiting":
		all[1].State, all[2].State, all[3].State = "current", "ahead", "ahead"
	case "running":
		all[2].State, all[3].State = "current", "ahead"
	case "succeeded":
	case "dead":
		all[3] = step{"failed", "failed"}
	default:
		all[3] = step{fmt.Sprint(s["state"]), "failed"}
	}
	if s["attempt"] == 0.0 && all[3].State == "failed" {
		all = append(all[:2], all[3])
	}
	s["steps"] = all
	body, _ := json.Marshal(s)
	return got.Code, body
}
