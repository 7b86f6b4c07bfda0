package webhook

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/queue"
)

var update = flag.Bool("update", false, "write the golden files anew")

var at = time.Date(2026, 12, 9, 10, 15, 0, 0, time.UTC)

// known are events that stand for many, by the name of their golden file.
var known = map[string]queue.Event{
	"succeeded": {
		ID: "k7xq.mxk4q8xs", Queue: "whatif", Kind: "optimise", Ref: queue.Ref{Tenant: "zeta", ID: "k7xq"},
		Generation: 1796810000000, Order: 1796810100000000000, Supersede: "zeta/screen-9",
		State: queue.Succeeded, Attempt: 1, Created: at.Add(-time.Minute), Ended: at.Add(time.Second / 2),
		Headers: map[string]string{"traceparent": "canary", "authorization": "canary"},
	},
	"superseded": {
		ID: "k7xr.1", Queue: "whatif", Ref: queue.Ref{ID: "k7xr"}, Generation: 1, Order: math.MaxInt64, Supersede: "zeta/screen-9",
		State: queue.Superseded, Reason: "a newer job took its place", SupersededBy: "k7xs", Created: at, Ended: at.Add(1).In(time.FixedZone("", 3600)),
	},
	"dead": { // texts of others, as bad as they may be
		ID: "k7xt\r\nX-Evil: 1.0", Queue: "q\u202e", Kind: "🚰", Ref: queue.Ref{Tenant: "é\r\nX-Evil: 1\u2028\uFFFE\U0010FFFF\x01\x7f%\"<&>", ID: "k7xt"},
		State: queue.Dead, Reason: "its attempts are \"\\\n\tused up", Attempt: math.MaxInt32,
	},
}

// TestGolden_Requests: the whole of what is sent, byte for byte.
func TestGolden_Requests(t *testing.T) {
	for name, e := range known {
		got := request1(t, e)
		file := filepath.Join("testdata", name+".http")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if strings.Contains(got, "canary") {
			t.Errorf("%s: the job's headers are its own", name)
		}
	}
}

// request1 is what the first attempt for an event sends, with sorted headers, when a
// delivery has been through the queue's codec.
func request1(t *testing.T, e queue.Event) string {
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		s, _ := serving(t, func(_ http.ResponseWriter, r *http.Request) {
			out.WriteString(r.Method + " " + r.RequestURI + "\nHost: " + r.Host + "\n")
			for _, name := range slices.Sorted(maps.Keys(r.Header)) {
				out.WriteString(name + ": " + strings.Join(r.Header[name], ", ") + "\n")
			}
			body, _ := io.ReadAll(r.Body)
			out.WriteString("\n" + string(body) + "\n")
		})
		s.Lookup = fixed("http://receiver.example/hooks", secret(t, vector.secret))
		payload, err := queue.JSON.Encode(Delivery{ID: messageID(e.ID), Target: target, Message: newMessage(&e)})
		if err != nil {
			t.Fatal(err)
		}
		j := job()
		j.Args = Delivery{}
		if err := queue.JSON.Decode(payload, &j.Args); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Deliver(t.Context(), j); err != nil {
			t.Error(err)
		}
	})
	return out.String()
}

// TestGolden_Receiver: what was sent by the first release is read for ever.
func TestGolden_Receiver(t *testing.T) {
	for name, e := range known {
		file, err := os.ReadFile(filepath.Join("testdata", name+".http"))
		if err != nil {
			t.Fatal(err)
		}
		_, body, _ := bytes.Cut(file, []byte("\n\n"))
		var got Message
		if err := json.Unmarshal(body, &got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(newMessage(&e), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestNoTwoEventsHaveTheSameID, and none has a '.', which ends the id in what is
// signed, or what is no header.
func TestNoTwoEventsHaveTheSameID(t *testing.T) {
	seen := map[string]string{}
	for _, id := range []string{"a.1", "a_1", "a~1", "a~2e1", "a-1", "A.1", "a1", "a.~5f1", "é.1", "\xc3.1", "a 1", "a\n1", "", ".", "_", "~2e"} {
		got := messageID(id)
		if other, twice := seen[got]; twice {
			t.Errorf("%q and %q are %q", id, other, got)
		}
		seen[got] = id
		if id != "" && checkID(got) != nil {
			t.Errorf("%q is %q: %v", id, got, checkID(got))
		}
	}
	if got := messageID("k7xq.mxk4q8xs"); got != "k7xq_mxk4q8xs" {
		t.Errorf("an event of a worker is %q", got)
	}
	if got := messageID(strings.Repeat("\x01", 300)); checkID(got) != nil { // a job's id has 256 bytes
		t.Error("the longest is too long")
	}
}
