package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// maxDepth is how deep the arrays and objects of a body may be nested.
const maxDepth = 100

// args reads the body.
func (h *Handler[T, R]) args(c *call, in *seam.Queue) (T, error) {
	var args, none T
	if err := checkMedia(c.r.Header, in.Mime); err != nil {
		return none, err
	}
	body, err := readBody(c.r, orDefault(h.MaxBody, DefaultMaxBody))
	if err != nil {
		return none, err
	}
	decode := in.Decode
	if isJSON(in.Mime) {
		if err := checkJSON(body); err != nil {
			return none, err
		}
		if plain := h.q.Codec == nil || h.q.Codec == queue.JSON; plain && !h.AllowUnknown {
			decode = decodeStrictly
		}
	}
	if err := decode(body, &args); err != nil {
		return none, badBody.saying(why(err))
	}
	return args, nil
}

// checkMedia refuses what isn't in the codec's form.
func checkMedia(head http.Header, want string) error {
	want, _, _ = mime.ParseMediaType(want)
	got, params, err := mime.ParseMediaType(head.Get("Content-Type"))
	utf8 := params["charset"] == "" || strings.EqualFold(params["charset"], "utf-8")
	plain := head.Get("Content-Encoding") == "" || strings.EqualFold(head.Get("Content-Encoding"), "identity")
	if err == nil && got == want && utf8 && plain {
		return nil
	}
	p := badMedia.saying("It must be " + want + ", in UTF-8 if it is text, and without Content-Encoding.")
	p.Header = http.Header{"Accept": {want}, "Accept-Encoding": {"identity"}}
	return p
}

func isJSON(media string) bool {
	media, _, _ = mime.ParseMediaType(media)
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

// readBody reads all of a body that is bounded already.
func readBody(r *http.Request, most int64) ([]byte, error) {
	tooLarge := bodyTooLarge.saying("At most " + strconv.FormatInt(most, 10) + " bytes are taken.")
	if r.ContentLength > most {
		return nil, tooLarge
	}
	body, err := io.ReadAll(r.Body)
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return nil, tooLarge
	}
	if err != nil {
		return nil, badBody.saying("It broke off.")
	}
	return body, nil
}

// checkJSON refuses what isn't one value of JSON, or goes too deep for a decoder.
func checkJSON(body []byte) error {
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return badBody.saying("It is empty.")
	case !utf8.Valid(body):
		return badBody.saying("It is not UTF-8.")
	case depth(body) > maxDepth:
		return badBody.saying("It is nested deeper than " + strconv.Itoa(maxDepth) + ".")
	case !json.Valid(body):
		return badBody.saying("It is not one value of JSON.")
	}
	return nil
}

// depth is how deep JSON is nested; of other bytes it is some number.
func depth(data []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			now++
			deepest = max(deepest, now)
		case c == ']' || c == '}':
			now--
		}
	}
	return deepest
}

// decodeStrictly refuses members that v doesn't have.
func decodeStrictly(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// why says which member doesn't fit, in the client's own words: the text of an
// error would show ours.
func why(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return fmt.Sprintf("The member %q has the wrong type.", short(wrong.Field))
	}
	if _, name, ok := strings.Cut(fmt.Sprint(err), "json: unknown field "); ok {
		if name, err := strconv.Unquote(name); err == nil {
			return fmt.Sprintf("The member %q is not known here.", short(name))
		}
	}
	return "It doesn't fit what is expected."
}

// short keeps an answer from growing with the request.
func short(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
