package secretbox

import (
	"context"
	"errors"
	"testing"

	"gocloud.dev/gcerrors"

	"github.com/leat-go/leat/queue"
)

// TestAnOutageBreaksNoSeal: the job is tried again, and isn't a dead letter.
func TestAnOutageBreaksNoSeal(t *testing.T) {
	for _, code := range []gcerrors.ErrorCode{
		gcerrors.Unknown, gcerrors.InvalidArgument, // what may be the bytes' fault, but isn't
		gcerrors.Internal, gcerrors.PermissionDenied, gcerrors.NotFound, gcerrors.FailedPrecondition,
		gcerrors.ResourceExhausted, gcerrors.DeadlineExceeded, gcerrors.Canceled, gcerrors.Unimplemented,
	} {
		s := newService()
		sealed := seal(t, New(s.open(t)), "canary", "label")

		s.code, s.beforeEncrypt, s.beforeDecrypt = code, always(errAway), always(errAway)
		b := New(s.open(t))
		if _, err := b.Open(t.Context(), sealed, []byte("label")); !errors.Is(err, errAway) || errors.Is(err, queue.ErrSealBroken) {
			t.Errorf("%v: Open: %v", code, err)
		}
		if _, err := b.Seal(t.Context(), nil, nil); !errors.Is(err, errAway) {
			t.Errorf("%v: Seal: %v", code, err)
		}
		s.beforeEncrypt, s.beforeDecrypt = nil, nil
		wantOpen(t, b, sealed, "label", "canary")
	}
}

// TestWhoMayNotIsNotBroken: the service is well, and refuses this key alone: an
// older one, disabled, or whose grant is gone.
func TestWhoMayNotIsNotBroken(t *testing.T) {
	for _, code := range []gcerrors.ErrorCode{gcerrors.PermissionDenied, gcerrors.NotFound, gcerrors.FailedPrecondition} {
		s := newService()
		sealed := seal(t, New(s.open(t)), "canary", "label")
		s.code, s.beforeDecrypt = code, always(errAway)
		s.forget()
		_, err := New(s.open(t)).Open(t.Context(), sealed, []byte("label"))
		if !errors.Is(err, errAway) || errors.Is(err, queue.ErrSealBroken) {
			t.Errorf("%v: %v", code, err)
		}
		if e, d := s.asked(); e != 0 || d != 1 {
			t.Errorf("%v: asked %d, %d times", code, e, d)
		}
	}
}

// TestAShortOutageIsSeenThrough: the doubtful answer is asked for once more.
func TestAShortOutageIsSeenThrough(t *testing.T) {
	s := newService()
	sealed := seal(t, New(s.open(t)), "canary", "label")
	failed := false
	s.beforeDecrypt = func(context.Context) error {
		if !failed {
			failed = true
			return errAway
		}
		return nil
	}
	wantOpen(t, New(s.open(t)), sealed, "label", "canary")
}

// TestADoubtTakesThreeMoreCalls, and no more: broken bytes don't flood the service.
func TestADoubtTakesThreeMoreCalls(t *testing.T) {
	s := newService()
	sealed := seal(t, New(s.open(t)), "canary", "label")
	sealed[headerSize] ^= 1
	s.forget()
	wantBroken(t, New(s.open(t)), "the wrapped key", sealed, "label")
	if e, d := s.asked(); e != 1 || d != 3 {
		t.Errorf("asked %d times to wrap, %d to unwrap; want 1 and 3", e, d)
	}
}

func TestAClosedKeeperBreaksNoSeal(t *testing.T) {
	s := newService()
	sealed := seal(t, New(s.open(t)), "canary", "label")
	k := s.open(t)
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := New(k).Open(t.Context(), sealed, []byte("label")); err == nil || errors.Is(err, queue.ErrSealBroken) {
		t.Errorf("Open: %v", err)
	}
}

func TestAKeeperThatMakesTooMuchOfAKey(t *testing.T) {
	for _, n := range []int{0, maxWrapped + 1} {
		b := New(wrapsTo(t, n))
		if _, err := b.Seal(t.Context(), nil, nil); !errors.Is(err, errWrapped) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := New(wrapsTo(t, maxWrapped)).Seal(t.Context(), nil, nil); err != nil {
		t.Errorf("%d bytes: %v", maxWrapped, err)
	}
}
