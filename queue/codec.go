package queue

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
)

// Codec turns args and results into bytes and back. It is safe for concurrent
// use. Equal args should give equal bytes, or a repeated [Key] is taken for one
// that was reused.
type Codec interface {
	// Encode returns bytes that nobody changes any more: stores keep them. An
	// error is the caller's mistake, and matches ErrInvalid.
	Encode(v any) ([]byte, error)
	// Decode reads data into v, a pointer. It keeps nothing of data.
	Decode(data []byte, v any) error
	// ContentType is the media type of what Encode returns.
	ContentType() string
}

// encodeResult and decodeResult are the codec, but for None: no result is no bytes.
func (f *facts) encodeResult(v any) ([]byte, error) {
	if _, none := v.(None); none {
		return nil, nil
	}
	return f.codec.Encode(v)
}

func (f *facts) decodeResult(data []byte, v any) error {
	if _, none := v.(*None); none && len(data) == 0 {
		return nil
	}
	return f.codec.Decode(data, v)
}

// JSON is the default Codec: encoding/json, as it stands. Numbers that a float64
// can't hold survive in fields of their own type, json.Number or json.RawMessage,
// and not in an any; JSON that is nested more than 10,000 deep decodes no more.
// A struct of which no field is exported is an InvalidError.
var JSON Codec = jsonCodec{}

type jsonCodec struct{}

func (jsonCodec) Encode(v any) ([]byte, error)    { return json.Marshal(v) }
func (jsonCodec) Decode(data []byte, v any) error { return json.Unmarshal(data, v) }
func (jsonCodec) ContentType() string             { return "application/json" }

// carries refuses a struct of which JSON would keep nothing, and not say so: its
// fields are there, and none is exported.
func (jsonCodec) carries(t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.NumField() == 0 || encodesItself(t) || exports(t) {
		return nil
	}
	return &InvalidError{Field: "Queue", Reason: fmt.Sprintf("JSON carries nothing of a %v, which exports no field", t)}
}

func encodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t) // has the methods of both
	return p.Implements(reflect.TypeFor[json.Marshaler]()) || p.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

func exports(t reflect.Type) bool {
	for f := range t.Fields() {
		if f.IsExported() || f.Anonymous { // what is embedded may export some
			return true
		}
	}
	return false
}
