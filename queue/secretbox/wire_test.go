package secretbox

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"testing"

	"gocloud.dev/secrets/localsecrets"

	"github.com/leat-go/leat/queue"
)

var update = flag.Bool("update", false, "seal the golden file anew: only for a new version of the wire")

const (
	golden      = "testdata/v1.hex"
	goldenPlain = `{"sku":"22423"}`
	goldenLabel = "payload of zeta/req-42"
)

// TestGolden_V1: what was sealed by the first release opens for ever.
func TestGolden_V1(t *testing.T) {
	b := New(newService().open(t))
	if *update {
		line := hex.EncodeToString(seal(t, b, goldenPlain, goldenLabel)) + "\n"
		if err := os.WriteFile(golden, []byte(line), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	sealed := readGolden(t)
	wantOpen(t, b, sealed, goldenLabel, goldenPlain)
	wantOpen(t, b, sealed, goldenLabel, byHand(t, sealed, goldenLabel))

	ours := seal(t, b, goldenPlain, goldenLabel) // and Seal makes the same form still
	if got := byHand(t, ours, goldenLabel); got != goldenPlain || len(ours) != len(sealed) {
		t.Errorf("%q in %d bytes, want %q in %d", got, len(ours), goldenPlain, len(sealed))
	}
}

func readGolden(t testing.TB) []byte {
	t.Helper()
	line, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := hex.DecodeString(string(bytes.TrimSpace(line)))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// byHand opens sealed bytes by the picture in the package comment, as a program
// in another language would.
func byHand(t *testing.T, sealed []byte, label string) string {
	t.Helper()
	if sealed[0] != 1 {
		t.Fatalf("version %d", sealed[0])
	}
	n := 3 + int(binary.BigEndian.Uint16(sealed[1:3]))
	key, err := localsecrets.NewKeeper([32]byte{1}).Decrypt(t.Context(), sealed[3:n])
	if err != nil || len(key) != 32 {
		t.Fatalf("a data key of %d bytes, %v", len(key), err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := aead.Open(nil, sealed[n:n+12], sealed[n+12:], append([]byte{1}, label...))
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// FuzzOpen: foreign bytes neither open nor harm.
func FuzzOpen(f *testing.F) {
	b := New(newService().open(f))
	good := readGolden(f) // the same in every process that fuzzes
	f.Add(good, []byte(goldenLabel))
	f.Add(good, []byte(goldenLabel+"2"))
	f.Add(good[:len(good)-1], []byte(goldenLabel))
	f.Add([]byte{1, 0xff, 0xff}, []byte{})
	f.Add([]byte{1, 0, 0}, []byte(nil))
	f.Fuzz(func(t *testing.T, sealed, label []byte) {
		plain, err := b.Open(t.Context(), sealed, label)
		if bytes.Equal(sealed, good) && string(label) == goldenLabel {
			if err != nil || string(plain) != goldenPlain {
				t.Errorf("%q, %v", plain, err)
			}
			return
		}
		if !errors.Is(err, queue.ErrSealBroken) {
			t.Errorf("%q, %v; want ErrSealBroken", plain, err)
		}
	})
}
