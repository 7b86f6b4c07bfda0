package backends

import (
	"errors"
	"testing"
	"time"
)

func TestNoCells(t *testing.T) {
	if v, version, err := NoCells.Get(t.Context(), "k", ""); v != nil || version != "" || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Get: %v, %q, %v", v, version, err)
	}
	if version, err := NoCells.Put(t.Context(), "k", nil, "", time.Time{}); version != "" || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Put: %q, %v", version, err)
	}
}
