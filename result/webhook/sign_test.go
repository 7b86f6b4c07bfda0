package webhook

import (
	"strings"
	"testing"
	"time"
)

// vector is that of the official libraries' tests.
var vector = struct {
	secret, id, body, signature string
	at                          time.Time
}{
	"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`,
	"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", time.Unix(1614265330, 0),
}

func secret(t testing.TB, text string) Secret {
	t.Helper()
	s, err := ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheOfficialVectorIsSignedAndVerified(t *testing.T) {
	s := secret(t, vector.secret)
	h := signed(vector.id, vector.at, []byte(vector.body), []Secret{s})
	if got := h.Get("webhook-signature"); got != vector.signature {
		t.Errorf("signature %q, want %q", got, vector.signature)
	}
	if id, at := h.Get("webhook-id"), h.Get("webhook-timestamp"); id != vector.id || at != "1614265330" {
		t.Errorf("id %q, timestamp %q", id, at)
	}
	if err := Verify(h, []byte(vector.body), vector.at, s); err != nil {
		t.Error(err)
	}
}

// TestASecretIsRotatedWithoutAGap: while the sender signs by both, a receiver may
// hold either, or both.
func TestASecretIsRotatedWithoutAGap(t *testing.T) {
	old, fresh, other := NewSecret(), NewSecret(), NewSecret()
	h := signed("id", vector.at, nil, []Secret{fresh, old})
	if n := len(strings.Split(h.Get("webhook-signature"), " ")); n != 2 {
		t.Errorf("%d signatures", n)
	}
	for name, held := range map[string][]Secret{"old": {old}, "new": {fresh}, "both": {old, fresh}, "one of": {other, fresh}} {
		if err := Verify(h, nil, vector.at, held...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Verify(h, nil, vector.at, other); err == nil {
		t.Error("another secret verifies")
	}
}
