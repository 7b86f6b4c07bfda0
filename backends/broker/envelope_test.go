package broker

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
)

var update = flag.Bool("update", false, "write the golden files anew")

// everyField is a message with all that a job can have.
func everyField() *envelope {
	due := time.Date(2026, 11, 26, 6, 0, 0, 123456789, time.UTC)
	j := &backends.Job{
		Ref: backends.Ref{Tenant: "zeta", ID: "req-42"}, Kind: "optimise@3",
		Headers:     map[string]string{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		Fingerprint: 1<<64 - 1, Due: due, Delay: time.Second, Expiry: time.Hour, RunLimit: time.Minute,
		MaxAttempts: 7, Priority: -3, Trailing: true, Supersede: "zeta/screen-9", Resource: "the small database",
		Batch: &backends.Batch{Member: backends.Ref{Tenant: "zeta", ID: "night"}, Hold: 1, Tolerate: -1, Seed: "seed", Index: 4},
	}
	m := &envelope{
		Leat: 1, Queue: "whatif", Job: jobToJSON(j), Generation: 1764140400000, Send: 2, Attempt: 1, Order: 1764140400000000001,
		Due: due.UnixNano(), Deadline: due.Add(time.Hour).UnixNano(), Created: due.UnixNano(), Hint: "7",
	}
	m.setPayload([]byte(`{"sku":"22423","level":0.95}`))
	return m
}

// TestEnvelope_Golden: messages that lie in a queue outlive the program that sent
// them, so their form may grow but not change.
func TestEnvelope_Golden(t *testing.T) {
	const file = "testdata/envelope_v1.json"
	var got bytes.Buffer
	if err := json.Indent(&got, everyField().encode(), "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("the wire format changed:\n%s", d)
	}
	m, err := decode(want)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(everyField(), m); d != "" {
		t.Errorf("read back:\n%s", d)
	}
}

func TestEnvelope_WhatIsOurs(t *testing.T) {
	ours := string(everyField().encode())
	for body, want := range map[string]error{
		ours: nil, " " + ours + "\n": nil,
		"": errForeign, "{}": errForeign, "null": errForeign, `{"sku":"22423"}`: errForeign, "\xff\xfe": errForeign,
		`{"leat":0}`: errForeign, `{"leat":-1}`: errForeign, `{"leat":1}`: errForeign, `{"leat":"1"}`: errForeign, ours[:len(ours)-1]: errForeign,
		strings.Replace(ours, "req-42", "", 1): errForeign,
		`{"leat":2,"anything":true}`:           errNewer,
	} {
		if _, err := decode([]byte(body)); err != want {
			t.Errorf("%.40q: %v, want %v", body, err, want)
		}
	}
}

// Numbers that no sender of ours writes: a time that overflows would be far ahead for
// ever, and its message sent anew without end; an attempt that does would never be the
// last.
func TestRow_G1_ForgedNumbersAreNotOurs(t *testing.T) {
	for name, forge := range map[string]func(*envelope){
		"due":        func(m *envelope) { m.Due = math.MinInt64 },
		"deadline":   func(m *envelope) { m.Deadline = math.MinInt64 },
		"created":    func(m *envelope) { m.Created = -1 },
		"order":      func(m *envelope) { m.Order = -1 },
		"generation": func(m *envelope) { m.Generation = 0 },
		"attempt":    func(m *envelope) { m.Attempt = math.MaxInt32 },
		"send":       func(m *envelope) { m.Send = math.MaxInt },
	} {
		m := everyField()
		forge(m)
		if _, err := decode(m.encode()); err != errForeign {
			t.Errorf("%s: %v, want %v", name, err, errForeign)
		}
	}
}

func TestForeign_BringsNoHeadersOfOurs(t *testing.T) {
	got := ownHeaders(map[string]string{"leat-owner": "x", "LEAT-Id": "y", "traceparent": "z"})
	if d := cmp.Diff(map[string]string{"traceparent": "z"}, got); d != "" {
		t.Error(d)
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add(everyField().encode(), []byte("payload"))
	f.Add([]byte(`{"leat":1,"job":{"id":"a"},"generation":1}`), []byte{0xff, 0})
	f.Add([]byte(`{"leat":1e400}`), []byte(`{"n":9007199254740993}`))
	f.Fuzz(func(t *testing.T, body, payload []byte) {
		m, err := decode(body)
		if err != nil {
			m = everyField()
		}
		m.setPayload(payload)
		again, err := decode(m.encode())
		if err != nil {
			t.Fatalf("what was encoded is not ours: %v", err)
		}
		if !bytes.Equal(again.payload(), payload) {
			t.Fatalf("payload %q became %q", payload, again.payload())
		}
		if !bytes.Equal(again.encode(), m.encode()) {
			t.Fatalf("%s\nbecame\n%s", m.encode(), again.encode())
		}
	})
}
