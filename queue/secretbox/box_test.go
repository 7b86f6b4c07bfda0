package secretbox

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gocloud.dev/secrets/localsecrets"

	"github.com/leat-go/leat/queue"
)

func TestWhatIsSealedOpens(t *testing.T) {
	s := newService()
	a, b := New(s.open(t)), New(s.open(t)) // two programs
	for _, n := range []int{0, 1, 15, 16, 17, 64 << 10, 1<<20 + 1} {
		for _, label := range []string{"", "payload of zeta/1", strings.Repeat("l", 2000)} {
			plain := strings.Repeat("p", n)
			sealed := seal(t, a, plain, label)
			wantOpen(t, a, sealed, label, plain)
			wantOpen(t, b, sealed, label, plain)
		}
	}
}

func TestNothingOfThePlainTextShows(t *testing.T) {
	b := New(newService().open(t))
	one, two := seal(t, b, "a canary in a coal mine", "label"), seal(t, b, "a canary in a coal mine", "label")
	if bytes.Contains(one, []byte("canary")) || bytes.Contains(one, []byte("label")) {
		t.Error("readable")
	}
	body := len(one) - len("a canary in a coal mine") - overhead
	if bytes.Equal(one[body:], two[body:]) {
		t.Error("two seals of one text are equal: the nonce was used twice")
	}
}

func wantBroken(t *testing.T, b *Box, what string, sealed []byte, label string) {
	t.Helper()
	plain, err := b.Open(t.Context(), sealed, []byte(label))
	if !errors.Is(err, queue.ErrSealBroken) || plain != nil {
		t.Errorf("%s: %q, %v; want ErrSealBroken", what, plain, err)
	}
	if err != nil && strings.Contains(err.Error(), "canary") {
		t.Errorf("%s: the error tells: %v", what, err)
	}
}

func TestAnyChangedByteBreaksTheSeal(t *testing.T) {
	s := newService()
	writer, reader := New(s.open(t)), New(s.open(t))
	sealed := seal(t, writer, "canary", "label")
	for i := range sealed {
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(sealed)
			bad[i] ^= bit
			wantBroken(t, writer, fmt.Sprintf("byte %d ^ %x", i, bit), bad, "label")
			wantBroken(t, reader, fmt.Sprintf("byte %d ^ %x, elsewhere", i, bit), bad, "label")
		}
	}
	wantOpen(t, reader, sealed, "label", "canary")
}

func TestAnyMissingOrAddedByteBreaksTheSeal(t *testing.T) {
	s := newService()
	b := New(s.open(t))
	sealed := seal(t, b, "canary", "label")
	for n := range sealed {
		wantBroken(t, b, fmt.Sprintf("the first %d bytes", n), sealed[:n], "label")
		wantBroken(t, b, fmt.Sprintf("without the first %d bytes", n+1), sealed[n+1:], "label")
	}
	wantBroken(t, b, "one byte more", append(bytes.Clone(sealed), 0), "label")
	wantBroken(t, b, "nothing", nil, "label")
	wantBroken(t, b, "plain JSON", []byte(`{"sku":"22423"}`), "label")
}

// TestSealsCannotBeSwapped: the payload of one job is none of another's.
func TestSealsCannotBeSwapped(t *testing.T) {
	b := New(newService().open(t))
	sealed := seal(t, b, "canary", "label")
	for _, other := range []string{"", "labe", "label2", "Label", "\x01label"} {
		wantBroken(t, b, "label "+other, sealed, other)
	}
}

func TestAnotherKeyDoesNotOpen(t *testing.T) {
	mine, other := newService(), newService()
	other.local = localsecrets.NewKeeper([32]byte{2})
	a, b := New(mine.open(t)), New(other.open(t))
	fromA, fromB := seal(t, a, "canary", "label"), seal(t, b, "canary", "label")
	wantBroken(t, a, "of another keeper", fromB, "label")
	wantBroken(t, b, "of another keeper", fromA, "label")

	again := seal(t, New(mine.open(t)), "canary", "label") // another data key of mine
	head := len(again) - len("canary") - overhead
	wantBroken(t, a, "under another data key", slices.Concat(fromA[:head], again[head:]), "label")
}

// TestAKeyThatIsNoDataKey: the service wraps other things too, with that key.
func TestAKeyThatIsNoDataKey(t *testing.T) {
	s := newService()
	b := New(s.open(t))
	for _, n := range []int{0, 16, 24, 31, 33} { // AES takes some of them
		wrapped, err := s.local.Encrypt(t.Context(), make([]byte, n))
		if err != nil {
			t.Fatal(err)
		}
		aead, err := gcm(make([]byte, keySize))
		if err != nil {
			t.Fatal(err)
		}
		wantBroken(t, b, fmt.Sprintf("%d bytes", n), aead.Seal(appendHeader(nil, wrapped), nil, []byte("canary"), additional(nil)), "")
	}
}

func TestNewWithoutAKeeperPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New(nil)
}
