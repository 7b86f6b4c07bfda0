package announce

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leat-go/leat/queue"
)

// good is a body that Parse takes.
func good(t testing.TB, e queue.Event) string {
	t.Helper()
	body, err := new(Topic).body(&e)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestParseIsStrict(t *testing.T) {
	whole := good(t, known["succeeded"])
	for name, c := range map[string]struct{ old, new, field string }{
		"another version":        {`"specversion":"1.0"`, `"specversion":"0.3"`, "event.specversion"},
		"no version":             {`"specversion":"1.0",`, ``, "event.specversion"},
		"no id":                  {`"id":"K7XQ.1796810000000",`, ``, "event.id"},
		"an empty id":            {`"id":"K7XQ.1796810000000"`, `"id":""`, "event.id"},
		"a number as id":         {`"id":"K7XQ.1796810000000"`, `"id":1`, "event.id"},
		"no source":              {`"source":"/leat",`, ``, "event.source"},
		"no type":                {`"type":"leat.job.succeeded",`, ``, "event.type"},
		"a type without prefix":  {`"type":"leat.job.succeeded"`, `"type":"succeeded"`, "event.type"},
		"the type of another":    {`"type":"leat.job.succeeded"`, `"type":"leat.job.dead"`, "event.type"},
		"another subject":        {`"subject":"K7XQ"`, `"subject":"K7XR"`, "event.subject"},
		"another time":           {`"time":"2026`, `"time":"2025`, "event.time"},
		"no time":                {`"time":"2026-12-09T10:15:00.5Z",`, ``, "event.time"},
		"XML":                    {`"application/json"`, `"application/xml"`, "event.datacontenttype"},
		"no data":                {`"data":`, `"date":`, "event.data"},
		"data in text":           {`"data":{`, `"data":"{}","x":{`, "event.data"},
		"null data":              {`"data":{`, `"data":null,"x":{`, "event.data"},
		"no queue":               {`"queue":"whatif",`, ``, "event.data.queue"},
		"a null queue":           {`"queue":"whatif"`, `"queue":null`, "event.data.queue"},
		"a number as queue":      {`"queue":"whatif"`, `"queue":7`, "event.data.queue"},
		"a NUL":                  {`"tenant":"zeta"`, `"tenant":"\u0000"`, "event.data.tenant"},
		"a long tenant":          {`"tenant":"zeta"`, `"tenant":"` + strings.Repeat("x", 257) + `"`, "event.data.tenant"},
		"no generation":          {`"generation":1796810000000,`, ``, "event.data.generation"},
		"half a generation":      {`"generation":1796810000000`, `"generation":1.5`, "event.data.generation"},
		"a generation below 0":   {`"generation":1796810000000`, `"generation":-2`, "event.data.generation"},
		"1e400":                  {`"generation":1796810000000`, `"generation":1e400`, "event.data.generation"},
		"2^64":                   {`"generation":1796810000000`, `"generation":18446744073709551616`, "event.data.generation"},
		"no order":               {`"order":"1796810100000000000",`, ``, "event.data.order"},
		"a number as order":      {`"order":"1796810100000000000"`, `"order":1796810100000000000`, "event.data.order"},
		"an order with a sign":   {`"order":"1796810100000000000"`, `"order":"+1"`, "event.data.order"},
		"an order with a zero":   {`"order":"1796810100000000000"`, `"order":"01"`, "event.data.order"},
		"an order below 0":       {`"order":"1796810100000000000"`, `"order":"-1"`, "event.data.order"},
		"an order above":         {`"order":"1796810100000000000"`, `"order":"9223372036854775808"`, "event.data.order"},
		"no state":               {`"state":"succeeded",`, ``, "event.data.state"},
		"no end":                 {`"state":"succeeded"`, `"state":"running"`, "event.data.state"},
		"an unknown end":         {`"state":"succeeded"`, `"state":"discarded"`, "event.data.state"},
		"no attempt":             {`"attempt":1,`, ``, "event.data.attempt"},
		"a time of another form": {`"created":"2026-12-09T10:14:00Z"`, `"created":"2026-12-09 10:14:00"`, "event.data.created"},
		"a year of five digits":  {`"created":"2026-12-09T10:14:00Z"`, `"created":"9999-12-31T23:59:59-01:00"`, "event.data.created"},
		"no such day":            {`"created":"2026-12-09T10:14:00Z"`, `"created":"2026-02-30T10:14:00Z"`, "event.data.created"},
		"an attribute twice":     {`"source":"/leat"`, `"source":"/leat","source":"/leat"`, "event"},
		"a member twice":         {`"queue":"whatif"`, `"queue":"whatif","queue":"other"`, "event.data"},
		"more after it":          {`"}}`, `"}}{}`, "event"},
		"cut off":                {`"}}`, `"}`, "event"},
		"not JSON":               {`"subject":`, `"subject"=`, "event"},
		"an array":               {whole, `[` + whole + `]`, "event"},
		"a batch of one":         {whole, `[]`, "event"},
		"null":                   {whole, `null`, "event"},
		"nothing":                {whole, ``, "event"},
		"a text":                 {whole, `hello`, "event"},
		"not UTF-8":              {`zeta`, "zet\xff", "body"},
		"too large":              {whole, whole + strings.Repeat(" ", maxBody), "body"},
		"a deep extension":       {`"source"`, `"deep":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `,"source"`, "event"},
	} {
		if strings.Count(whole, c.old) != 1 && c.old != "zeta" {
			t.Fatalf("%s: %q stands %d times in\n%s", name, c.old, strings.Count(whole, c.old), whole)
		}
		e, err := Parse([]byte(strings.Replace(whole, c.old, c.new, 1)))
		var bad *queue.InvalidError
		if !errors.As(err, &bad) || bad.Field != c.field || !errors.Is(err, queue.ErrInvalid) {
			t.Errorf("%s: %v, want an invalid %s", name, err, c.field)
		}
		if !cmp.Equal(e, queue.Event{}) {
			t.Errorf("%s: an error, and an event: %+v", name, e)
		}
	}
}

// TestParsePassesOverWhatIsNew: two adjacent versions of a program work together.
func TestParsePassesOverWhatIsNew(t *testing.T) {
	want := known["succeeded"]
	body := good(t, want)
	body = strings.Replace(body, `"data":{`, `"dataschema":"https://example.com/v2","sampledrate":3,"Data":{},"data":{"labels":{"a":[1]},"Order":1,"note":null,`, 1)
	if !json.Valid([]byte(body)) {
		t.Fatal(body)
	}
	want.Headers = traceHeaders(want.Headers[traceParent], want.Headers[traceState])
	got, err := Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// FuzzParse: what is taken is an event that would be sent in the same words.
func FuzzParse(f *testing.F) {
	for _, e := range known {
		f.Add([]byte(good(f, e)))
	}
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"/","type":"a.dead","subject":"j","data":{"queue":"q","id":"j","generation":0,"order":"0","state":"dead","attempt":0}}`))
	f.Add([]byte(`[{"a":1,"a":2}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := Parse(body)
		if err != nil {
			if !errors.Is(err, queue.ErrInvalid) {
				t.Errorf("%v, want a queue.ErrInvalid", err)
			}
			return
		}
		again, err := Parse([]byte(good(t, e)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Errorf("sent again (-want +got):\n%s", diff)
		}
	})
}
