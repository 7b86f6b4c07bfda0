package queue

import (
	"encoding/json"
)

// Codec turns args and results into bytes and back. It is safe for concurrent
// use. Equal args should give equal bytes, or a repeated [Key] is taken for one
// that was reused.
type Codec interface {
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

// JSON is the default Codec: encoding/json, as it stands.
var JSON Codec = jsonCodec{}

type jsonCodec struct{}

func (jsonCodec) Encode(v any) ([]byte, error)    { return json.Marshal(v) }
func (jsonCodec) Decode(data []byte, v any) error { return json.Unmarshal(data, v) }
func (jsonCodec) ContentType() string             { return "application/json" }
