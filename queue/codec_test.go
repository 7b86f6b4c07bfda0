package queue_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// gobCodec shows that a Codec is all it takes.
type gobCodec struct{}

func (gobCodec) Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(v)
	return b.Bytes(), err
}

func (gobCodec) Decode(data []byte, v any) error {
	return gob.NewDecoder(bytes.NewReader(data)).Decode(v)
}
func (gobCodec) ContentType() string { return "application/x-gob" }

// rawCodec takes strings as they are.
type rawCodec struct{}

func (rawCodec) Encode(v any) ([]byte, error) {
	s, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%T is no string", v)
	}
	return []byte(s), nil
}

func (rawCodec) Decode(data []byte, v any) error { *v.(*string) = string(data); return nil }
func (rawCodec) ContentType() string             { return "application/octet-stream" }

func TestACustomCodecCarriesArgsAndResults(t *testing.T) {
	q := newWhatIf(store())
	q.Codec = gobCodec{}
	ticket := enqueue(t, q, ask)
	job, a := claim(t, q)
	if job.Args != ask {
		t.Errorf("the handler gets %+v", job.Args)
	}
	if args, err := q.Args(t.Context(), record(t, q, ticket.Ref)); err != nil || args != ask {
		t.Errorf("the operator gets %+v, %v", args, err)
	}
	in := inside(t, q)
	if in.Mime != "application/x-gob" || !bytes.Contains(a.Lease.Job.Payload, []byte("SKU")) {
		t.Errorf("stored as %s: %q", in.Mime, a.Lease.Job.Payload)
	}
	if err := q.Complete(t.Context(), job, plan{12, 40}); err != nil {
		t.Fatal(err)
	}
	r, err := in.Unpack(t.Context(), record(t, q, ticket.Ref))
	if err != nil {
		t.Fatal(err)
	}
	encoded, _ := io.ReadAll(r)
	var got plan
	if err := in.Decode(encoded, &got); err != nil || got != (plan{12, 40}) {
		t.Errorf("the result is %+v, %v", got, err)
	}
}

// Args that can't be encoded are a mistake of the caller, and keep its reason.
func TestArgsThatCannotBeEncodedAreInvalid(t *testing.T) {
	reason := errors.New("no such unit")
	s := &spy{Backend: store()}
	for name, c := range map[string]struct {
		args any
		says string
	}{
		"function":         {func() {}, "json: unsupported type: func()"},
		"infinity":         {math.Inf(1), "json: unsupported value: +Inf"},
		"map of its own":   {endless(), "encountered a cycle"},
		"broken JSON":      {json.RawMessage("{"), "unexpected end of JSON input"},
		"broken number":    {json.Number("0x1"), "invalid number literal"},
		"10,001 deep":      {json.RawMessage(nested(10_001)), "exceeded max depth"},
		"its own marshal":  {marshaler{reason}, "no such unit"},
		"a pointer inside": {map[string]any{"x": make(chan int)}, "json: unsupported type: chan int"},
	} {
		ticket, err := queue.New[any, plan](s, "whatif").Enqueue(t.Context(), c.args, queue.Key("k"))
		matches(t, name, err, queue.ErrInvalid)
		if want := "queue: enqueue: args can't be encoded: "; err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s…%s", name, err, want, c.says)
		}
		if !ticket.IsZero() || s.count() != 0 {
			t.Errorf("%s: ticket %+v, %d calls", name, ticket, s.count())
		}
	}
	_, err := queue.New[marshaler, plan](s, "whatif").Enqueue(t.Context(), marshaler{reason})
	matches(t, "the reason", err, reason, queue.ErrInvalid)
}

func endless() any {
	m := map[string]any{}
	m["self"] = m
	return m
}

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

type marshaler struct{ err error }

func (m marshaler) MarshalJSON() ([]byte, error) { return nil, m.err }

// What a float64 can't hold, and what JSON allows that few expect, comes out as it
// went in.
func TestJSONSurvivesByteForByte(t *testing.T) {
	q := queue.New[json.RawMessage, plan](store(), "raw")
	for _, raw := range []string{
		`9007199254740993`,
		`1e400`,
		`-0`,
		`1.0000000000000000000000001`,
		`{"a":1,"a":2}`,
		`"\ud800"`,
		`"\u0000\u202e"`,
		"\"\ufffe \u202e 🌊\"",
		`null`,
		`""`,
		nested(10_000),
	} {
		enqueue(t, q, json.RawMessage(raw))
		if job, _ := claim(t, q); string(job.Args) != raw {
			t.Errorf("%.100s became %.100s", raw, job.Args)
		}
	}

	q = queue.New[json.RawMessage, plan](store(), "raw")
	q.Bucket = &mapBucket{}
	million := "{" + strings.Repeat(`"key":1,`, 999_999) + `"key":1}`
	enqueue(t, q, json.RawMessage(million))
	if job, _ := claim(t, q); string(job.Args) != million {
		t.Errorf("a million keys became %d bytes", len(job.Args))
	}

	typed := queue.New[map[string]json.Number, plan](store(), "typed")
	numbers := map[string]json.Number{"id": "9007199254740993", "large": "1e400", "small": "-0.10"}
	enqueue(t, typed, numbers)
	if job, _ := claim(t, typed); !cmp.Equal(job.Args, numbers) {
		t.Errorf("numbers became %v", job.Args)
	}
}

// A payload that no attempt can decode says so: the worker makes a dead letter of
// it instead of trying again.
func TestRule_R10_UndecodableArgsAreFinal(t *testing.T) {
	for name, payload := range map[string]string{
		"empty":       "",
		"no JSON":     "\x00\xff",
		"cut":         `{"Partner":"ze`,
		"wrong type":  `{"Partner":7}`,
		"too deep":    nested(10_001),
		"too large":   `{"Partner":1e400}`,
		"two of them": `{}{}`,
	} {
		b := store()
		q := newWhatIf(b)
		foreign(t, b, backends.Job{Payload: []byte(payload)})
		_, err := inside(t, q).Job(t.Context(), &seam.Attempt{Lease: lease(t, q)})
		matches(t, name, err, seam.ErrUndecodable)
	}

	q := queue.New[any, plan](store(), "whatif")
	var deep any
	for range 10_001 {
		deep = []any{deep}
	}
	enqueue(t, q, deep) // encoding/json writes it, and won't read it
	_, err := inside(t, q).Job(t.Context(), &seam.Attempt{Lease: lease(t, q)})
	matches(t, "args that went in too deep", err, seam.ErrUndecodable)
}

// foreign puts a job into a store that no Queue made.
func foreign(t testing.TB, b backends.Backend, j backends.Job) {
	t.Helper()
	j.ID = "foreign"
	out, err := b.Enqueue(t.Context(), backends.EnqueueRequest{Queue: "whatif", Jobs: []backends.Job{j}})
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out)
	}
}

type (
	hidden   struct{ sku string }
	embedded struct{ SKU string }
	wrapped  struct{ embedded }
	spelled  struct{ sku string }
)

func (s spelled) MarshalText() ([]byte, error) { return []byte(s.sku), nil }
func (s *spelled) UnmarshalText(b []byte) error {
	s.sku = string(b)
	return nil
}

// JSON leaves out what isn't exported, and says nothing: a struct of which nothing
// is left would reach the handler empty.
func TestTypesOfWhichJSONCarriesNothingAreRefused(t *testing.T) {
	_, err := queue.New[hidden, plan](store(), "q").Enqueue(t.Context(), hidden{"22423"})
	invalid(t, "args", err, "Queue")
	if want := "queue: enqueue: invalid Queue: JSON carries nothing of a queue_test.hidden, which exports no field"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	_, err = queue.New[settings, *hidden](store(), "q").Enqueue(t.Context(), ask)
	invalid(t, "result", err, "Queue")

	_, err = queue.New[wrapped, time.Time](store(), "q").Enqueue(t.Context(), wrapped{})
	matches(t, "embedded, and a type that encodes itself", err)
	_, err = queue.New[spelled, *spelled](store(), "q").Enqueue(t.Context(), spelled{"22423"})
	matches(t, "text", err)
	_, err = queue.New[struct{}, queue.None](store(), "q").Enqueue(t.Context(), struct{}{})
	matches(t, "nothing to carry", err)
	_, err = queue.New[any, error](store(), "q").Enqueue(t.Context(), 1)
	matches(t, "interfaces", err)
	q := queue.New[hidden, hidden](store(), "q")
	q.Codec = hiddenCodec{}
	_, err = q.Enqueue(t.Context(), hidden{"22423"})
	matches(t, "another codec", err)
}

type hiddenCodec struct{ rawCodec }

func (hiddenCodec) Encode(v any) ([]byte, error) { return []byte(v.(hidden).sku), nil }
