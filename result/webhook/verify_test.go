package webhook

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestVerifyRefuses(t *testing.T) {
	s := secret(t, vector.secret)
	for name, spoil := range map[string]func(h http.Header, body *string, now *time.Time, held *[]Secret){
		"another body":       func(_ http.Header, body *string, _ *time.Time, _ *[]Secret) { *body += " " },
		"another id":         func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) { h.Set("webhook-id", "msg_2") },
		"no id":              func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) { h.Del("webhook-id") },
		"two ids":            func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) { h.Add("webhook-id", "msg_2") },
		"another timestamp":  func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) { h.Set("webhook-timestamp", "1614265331") },
		"no timestamp":       func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) { h.Del("webhook-timestamp") },
		"two timestamps":     func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) { h.Add("webhook-timestamp", "1614265330") },
		"a signed timestamp": func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) { h.Set("webhook-timestamp", "+1614265330") },
		"a huge timestamp": func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) {
			h.Set("webhook-timestamp", strings.Repeat("9", 99))
		},
		"an overflowing one": func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) {
			h.Set("webhook-timestamp", "9223372036854775807")
		},
		"too old":      func(_ http.Header, _ *string, now *time.Time, _ *[]Secret) { *now = now.Add(Tolerance + time.Second) },
		"too new":      func(_ http.Header, _ *string, now *time.Time, _ *[]Secret) { *now = now.Add(-Tolerance - time.Second) },
		"no signature": func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) { h.Del("webhook-signature") },
		"an empty one": func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) { h.Set("webhook-signature", "v1,") },
		"half of it": func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) {
			h.Set("webhook-signature", vector.signature[:23])
		},
		"an unknown version": func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) {
			h.Set("webhook-signature", "v2"+vector.signature[2:])
		},
		"no version": func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) {
			h.Set("webhook-signature", vector.signature[3:])
		},
		"no secret":           func(_ http.Header, _ *string, _ *time.Time, held *[]Secret) { *held = nil },
		"another secret":      func(_ http.Header, _ *string, _ *time.Time, held *[]Secret) { *held = []Secret{NewSecret()} },
		"a dot moved into id": func(h http.Header, _ *string, _ *time.Time, _ *[]Secret) { h.Set("webhook-id", vector.id+".1") },
	} {
		body, now, held := vector.body, vector.at, []Secret{s}
		h := signed(vector.id, vector.at, []byte(body), held)
		spoil(h, &body, &now, &held)
		if err := Verify(h, []byte(body), now, held...); !errors.Is(err, ErrUnverified) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifyTakes(t *testing.T) {
	s := secret(t, vector.secret)
	for name, change := range map[string]func(h http.Header, now *time.Time){
		"the oldest":               func(_ http.Header, now *time.Time) { *now = now.Add(Tolerance) },
		"the newest":               func(_ http.Header, now *time.Time) { *now = now.Add(-Tolerance) },
		"a newer version as well":  func(h http.Header, _ *time.Time) { h.Set("webhook-signature", "v1a,AAAA "+vector.signature) },
		"a list in two headers":    func(h http.Header, _ *time.Time) { h["Webhook-Signature"] = []string{"v1,AAAA", vector.signature} },
		"rubbish before and after": func(h http.Header, _ *time.Time) { h.Set("webhook-signature", "  ,v1 v1,! "+vector.signature+" x") },
	} {
		h, now := signed(vector.id, vector.at, []byte(vector.body), []Secret{s}), vector.at
		change(h, &now)
		if err := Verify(h, []byte(vector.body), now, s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAnEmptySecretVerifiesNothing: anybody can sign by it.
func TestAnEmptySecretVerifiesNothing(t *testing.T) {
	h := signed("id", vector.at, nil, []Secret{secretOf(nil)})
	if err := Verify(h, nil, vector.at, Secret{}); !errors.Is(err, ErrUnverified) {
		t.Error(err)
	}
}

// FuzzVerify: what was not signed is refused, whatever it is, and what was is taken.
func FuzzVerify(f *testing.F) {
	s := secret(f, vector.secret)
	f.Add(vector.id, "1614265330", vector.signature, vector.body)
	f.Add("a.b", "-1", "v1,", "")
	f.Add("", "1614265330.", "v1,\x00 v1,"+strings.Repeat("A", 99), "{}")
	f.Fuzz(func(t *testing.T, id, timestamp, list, body string) {
		h := http.Header{headerID: {id}, headerTimestamp: {timestamp}, headerSignature: {list}}
		err := Verify(h, []byte(body), vector.at, s)
		genuine := strings.Contains(list, vector.signature) && id == vector.id && timestamp == "1614265330" && body == vector.body
		if (err == nil) && !genuine {
			t.Errorf("taken: %q %q %q %q", id, timestamp, list, body)
		}
		if err != nil && !errors.Is(err, ErrUnverified) {
			t.Errorf("error %v", err)
		}
		at := time.Unix(1614265330, 0)
		again := signed(messageID(id), at, []byte(body), []Secret{s})
		if err := Verify(again, []byte(body), at, s); (err == nil) != (id != "") {
			t.Errorf("signed by us, with id %q: %v", id, err)
		}
	})
}

// FuzzSignatures: the parser of the header finds what is in it, and nothing else.
func FuzzSignatures(f *testing.F) {
	f.Add(vector.signature, "v1a,AAAA")
	f.Add("v1,", "v1,v1,AAAA")
	f.Fuzz(func(t *testing.T, before, after string) {
		own := signed("id", vector.at, nil, []Secret{secret(t, vector.secret)}).Get(headerSignature)
		list := before + " " + own + " " + after
		found := signatures(http.Header{headerSignature: {list}})
		if len(found) == 0 || len(found) > strings.Count(list, version) {
			t.Errorf("%d in %q", len(found), list)
		}
	})
}
