package endpoint

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type named struct {
	ID string `json:"id"`
}

type whole struct {
	named
	At       time.Time `json:"at,omitzero"`
	Flag     bool
	Ratio    float32
	Small    uint8
	Names    []string          `json:"names"`
	Raw      []byte            `json:"raw,omitempty"`
	Each     map[string]int    `json:"each"`
	Maybe    *named            `json:"maybe"`
	Any      any               `json:"any"`
	Pair     [2]int            `json:"pair"`
	Quoted   int               `json:",string"`
	Delay    time.Duration     `json:"delay"`
	JSON     json.RawMessage   `json:"json"`
	Hidden   chan int          `json:"-"`
	Children []*whole          `json:"children"`
	Words    map[string]string `json:"-"`
}

// text writes itself as a string.
type text struct{}

func (text) MarshalText() ([]byte, error) { return nil, nil }

func TestSchemaOfAGoType(t *testing.T) {
	object := func(members string) string { return `{"type":"object","properties":{` + members + `}}` }
	id := `{"type":"object","properties":{"id":{"type":"string"}}}`
	for _, c := range []struct {
		t    reflect.Type
		want string
	}{
		{reflect.TypeFor[struct{}](), object("")},
		{reflect.TypeFor[named](), id},
		{reflect.TypeFor[text](), `{"type":"string"}`},
		{reflect.TypeFor[*text](), `{"type":"string"}`},
		{reflect.TypeFor[error](), `true`},
		{reflect.TypeFor[[]any](), `{"anyOf":[{"type":"array","items":true},{"type":"null"}]}`},
		{reflect.TypeFor[struct {
			named
			Other struct{ named } `json:"id"`
		}](), `true`}, // two of one name
		{reflect.TypeFor[struct{ *named }](), `true`},
		{reflect.TypeFor[whole](), object(`"id":{"type":"string"},"at":{"type":"string","format":"date-time"},"Flag":{"type":"boolean"},
			"Ratio":{"type":"number"},"Small":{"type":"integer","minimum":0},
			"names":{"anyOf":[{"type":"array","items":{"type":"string"}},{"type":"null"}]},
			"raw":{"anyOf":[{"type":"string","contentEncoding":"base64"},{"type":"null"}]},
			"each":{"anyOf":[{"type":"object","additionalProperties":{"type":"integer"}},{"type":"null"}]},
			"maybe":{"anyOf":[` + id + `,{"type":"null"}]},"any":true,"pair":{"type":"array","items":{"type":"integer"}},"Quoted":true,
			"delay":{"type":"integer"},"json":true,
			"children":{"anyOf":[{"type":"array","items":true},{"type":"null"}]}`)},
	} {
		data, err := json.Marshal(schemas{}.of(c.t))
		if err != nil {
			t.Fatal(err)
		}
		var got, want any
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatalf("%v: %v", c.t, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%v: %s", c.t, d)
		}
	}
}

// What is written is all there, but for what may be left out.
func TestSchemaOfAResult(t *testing.T) {
	got := schemas{written: true}.of(reflect.TypeFor[struct {
		B, A int
		C    int `json:",omitempty"`
	}]())
	if d := cmp.Diff([]string{"A", "B"}, got.(map[string]any)["required"]); d != "" {
		t.Error(d)
	}
}
