package blobbucket_test

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"

	"gocloud.dev/blob/memblob"
	"gocloud.dev/gcerrors"

	"github.com/leat-go/leat/queue/blobbucket"
)

// TestABucketThatIsNotThereIsNoMissingObject: a wrong name or a lost right ends
// no job as a dead letter.
func TestABucketThatIsNotThereIsNoMissingObject(t *testing.T) {
	client, _ := fakeS3(t)
	b := blobbucket.New(closed(t, openS3(t, client, "another")))
	if _, err := b.Open(t.Context(), "2026-12-09/a"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v", err)
	}
	if err := b.Write(t.Context(), "2026-12-09/a", nil); err == nil || errors.Is(err, fs.ErrExist) {
		t.Errorf("Write: %v", err)
	}
}

// TestAClosedBucketHoldsNothing: its code is that of an existing key.
func TestAClosedBucketHoldsNothing(t *testing.T) {
	blobs := memblob.OpenBucket(nil)
	b := blobbucket.New(blobs)
	if err := errors.Join(b.Write(t.Context(), "2026-12-09/a", nil), blobs.Close()); err != nil {
		t.Fatal(err)
	}
	err := b.Write(t.Context(), "2026-12-09/a", nil)
	if gcerrors.Code(err) != gcerrors.FailedPrecondition || errors.Is(err, fs.ErrExist) {
		t.Errorf("Write: %v", err)
	}
	if _, err := b.Open(t.Context(), "2026-12-09/a"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v", err)
	}
}

func TestErrorsKeepTheDriversCode(t *testing.T) {
	b := blobbucket.New(closed(t, memblob.OpenBucket(nil)))
	if err := b.Write(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Write(t.Context(), "a", nil); gcerrors.Code(err) != gcerrors.FailedPrecondition || !errors.Is(err, fs.ErrExist) {
		t.Errorf("Write: %v", err)
	}
	if _, err := b.Open(t.Context(), "b"); gcerrors.Code(err) != gcerrors.NotFound || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open: %v", err)
	}
}

// TestAListingHasManyPages: S3 gives a thousand keys at a time.
func TestAListingHasManyPages(t *testing.T) {
	client, bucket := fakeS3(t)
	blobs := closed(t, openS3(t, client, bucket))
	b := blobbucket.New(blobs)
	const n = 1050
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := w; i < n; i += 4 {
				if err := b.Write(t.Context(), fmt.Sprintf("2026-12-09/%04d", i), nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	seen := 0
	for key, err := range b.List(t.Context(), "2026-12-09/") {
		if want := fmt.Sprintf("2026-12-09/%04d", seen); err != nil || key != want {
			t.Fatalf("key %q, want %q, %v", key, want, err)
		}
		seen++
	}
	if seen != n {
		t.Errorf("saw %d of %d", seen, n)
	}
	if a, err := blobs.Attributes(t.Context(), "2026-12-09/0000"); err != nil || a.ContentType != "application/octet-stream" {
		t.Errorf("%+v, %v", a, err)
	}
}
