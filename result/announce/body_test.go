package announce

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gocloud.dev/pubsub/batcher"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

var update = flag.Bool("update", false, "write the golden files anew")

var at = time.Date(2026, 12, 9, 10, 15, 0, 0, time.UTC)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// known are events that stand for many, by the name of their golden file.
var known = map[string]queue.Event{
	"succeeded": {
		ID: "K7XQ.1796810000000", Queue: "whatif", Kind: "optimise", Ref: queue.Ref{Tenant: "zeta", ID: "K7XQ"},
		Generation: 1796810000000, Order: 1796810100000000000, Supersede: "zeta/screen-9",
		State: queue.Succeeded, Attempt: 1, Created: at.Add(-time.Minute), Ended: at.Add(time.Second / 2),
		Headers: map[string]string{"traceparent": parent, "tracestate": "vendor=1,other=2", "authorization": "canary"},
	},
	"superseded": {
		ID: "K7XR.1", Queue: "whatif", Ref: queue.Ref{ID: "K7XR"}, Generation: 1, Order: math.MaxInt64, Supersede: "zeta/screen-9",
		State: queue.Superseded, Reason: "a newer job took its place", SupersededBy: "K7XS", Created: at, Ended: at.Add(1),
	},
	"dead": { // texts of others, as bad as they may be
		ID: "K7XT.0", Queue: "q\u202e", Kind: "🚰", Ref: queue.Ref{Tenant: "é\r\nX-Evil: 1\u2028\uFFFE\U0010FFFF\x01\x7f%\"<&>", ID: "K7XT"},
		State: queue.Dead, Reason: "panic: \"\\\n\tat main.go:1", Attempt: math.MaxInt32,
		Headers: map[string]string{"traceparent": "canary\r\nX-Evil: 1", "tracestate": "vendor=1"},
	},
}

func TestGolden_Messages(t *testing.T) {
	for name, e := range known {
		topic := To(new(wire).open(t, batcher.Options{}))
		body, err := topic.body(&e)
		if err != nil {
			t.Fatal(err)
		}
		message, err := json.Marshal(map[string]any{"body": json.RawMessage(body), "metadata": topic.attributes(&e)})
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := json.Indent(&got, message, "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		file := filepath.Join("testdata", name+".json")
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestGolden_Consumer: what was sent by the first release is read for ever.
func TestGolden_Consumer(t *testing.T) {
	for name, want := range known {
		file, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var message struct{ Body json.RawMessage }
		if err := json.Unmarshal(file, &message); err != nil {
			t.Fatal(err)
		}
		got, err := Parse(message.Body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want.Headers = traceHeaders(want.Headers[traceParent], want.Headers[traceState])
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestMessagesSuitEveryBroker(t *testing.T) {
	topic := To(new(wire).open(t, batcher.Options{}))
	for name, e := range known {
		body, err := topic.body(&e)
		if err != nil {
			t.Fatal(err)
		}
		attributes := topic.attributes(&e)
		if len(attributes) > 8 { // AWS takes ten; two are left for a group and a deduplication id
			t.Errorf("%s: %d attributes", name, len(attributes))
		}
		texts := map[string]string{"body": string(body)}
		for k, v := range attributes {
			texts[k] = v
			if v == "" || len(v) > 1024 { // AWS refuses empty ones, Google long ones
				t.Errorf("%s: %s has %d bytes", name, k, len(v))
			}
		}
		for k, v := range texts {
			if i := strings.IndexFunc(v, func(c rune) bool { return c < ' ' || c >= 0x7f }); i >= 0 {
				t.Errorf("%s: %s has a %q", name, k, v[i:i+1])
			}
			if strings.Contains(v, "canary") {
				t.Errorf("%s: %s has what is the caller's own", name, k)
			}
		}
	}
}

func TestTheLongestNamesFit(t *testing.T) {
	long := strings.Repeat("\x01", backends.MaxName)
	e := queue.Event{
		ID: long, Queue: long, Kind: long, Ref: queue.Ref{Tenant: long, ID: long}, Supersede: long, SupersededBy: long,
		State: queue.Dead, Reason: strings.Repeat("\x01", backends.MaxText),
	}
	topic := To(new(wire).open(t, batcher.Options{}))
	body, err := topic.body(&e)
	if err != nil || len(body) > 64<<10 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	if got, err := Parse(body); err != nil || !cmp.Equal(got, e) {
		t.Errorf("Parse: %v", err)
	}
	for k, v := range topic.attributes(&e) {
		if len(v) > 1024 {
			t.Errorf("%s has %d bytes", k, len(v))
		}
	}
}

func TestSourceAndPrefixAreTheCallers(t *testing.T) {
	topic := To(new(wire).open(t, batcher.Options{}))
	topic.Source, topic.Prefix = "https://example.com/stock", "com.example.stock."
	e := events(1)[0]
	body, err := topic.body(&e)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Source, Type string }
	if err := json.Unmarshal(body, &got); err != nil || got.Source != topic.Source || got.Type != "com.example.stock.succeeded" {
		t.Errorf("%+v, %v", got, err)
	}
	if typ := topic.attributes(&e)["type"]; typ != got.Type {
		t.Errorf("attribute %q", typ)
	}
	if _, err := Parse(body); err != nil {
		t.Error(err)
	}
}
