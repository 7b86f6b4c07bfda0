package queue_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/queue"
)

func TestOpenSharesAStoreByName(t *testing.T) {
	open := func(raw string) *whatIf {
		t.Helper()
		q, err := queue.Open[settings, plan](t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { q.Close() })
		return q
	}
	q, same := open("memory://"+t.Name()+"?queue=whatif"), open("memory://"+t.Name()+"?queue=whatif")
	if q.Name() != "whatif" {
		t.Errorf("name %q", q.Name())
	}
	first := enqueue(t, q, ask, queue.Key("k"))
	if again := enqueue(t, same, ask, queue.Key("k")); again.Ref != first.Ref || !again.Duplicate {
		t.Errorf("%+v, then %+v", first, again)
	}
	if spaced := open("memory://" + t.Name() + "?queue=" + url.QueryEscape("what if/ü")); spaced.Name() != "what if/ü" {
		t.Errorf("name %q", spaced.Name())
	}
}

// Close is for who opened; a queue of New leaves the backend to its caller.
func TestCloseClosesWhatOpenOpened(t *testing.T) {
	q, err := queue.Open[settings, plan](t.Context(), "memory://"+t.Name()+"?queue=whatif")
	if err != nil {
		t.Fatal(err)
	}
	emails := queue.View[email, queue.None](q, "email")
	matches(t, "Close of a View", emails.Close())
	enqueue(t, q, ask)
	matches(t, "Close", errors.Join(q.Close(), q.Close()))
	for verb, err := range everyCall(t, q) {
		if verb != "complete" && verb != "args" {
			matches(t, verb, err, queue.ErrClosed)
		}
	}
	matches(t, "the View", second(emails.Enqueue(t.Context(), email{})), queue.ErrClosed)

	b := store()
	made := newWhatIf(b)
	matches(t, "Close of New", made.Close())
	enqueue(t, made, ask)
	matches(t, "Close of the backend", b.Close())
	matches(t, "after it", second(made.Enqueue(t.Context(), ask)), queue.ErrClosed)
}

func init() {
	backends.Register("queue-test", func(_ context.Context, u *url.URL) (backends.Backend, error) {
		return nil, fmt.Errorf("dial %s: refused", u) // as drivers do
	})
}

// What is wrong with a URL is said, and the URL isn't, which may hold secrets.
func TestOpenErrorsHelpAndKeepSecrets(t *testing.T) {
	for name, c := range map[string]struct{ raw, says string }{
		"no queue":            {"memory://", "queue: open: invalid URL: names no queue: add ?queue=NAME"},
		"empty queue":         {"memory://?queue=", "queue: open: invalid URL: names no queue: add ?queue=NAME"},
		"another case":        {"memory://?Queue=whatif", "queue: open: invalid URL: names no queue: add ?queue=NAME"},
		"two queues":          {"memory://?queue=a&queue=b", `queue: open: invalid URL: parameter "queue" is given twice`},
		"queue with NUL":      {"memory://?queue=a%00", "queue: open: invalid Queue: has a NUL"},
		"queue too long":      {"memory://?queue=" + strings.Repeat("x", 257), "queue: open: invalid Queue: longer than 256 bytes"},
		"queue not UTF-8":     {"memory://?queue=%ff", "queue: open: invalid Queue: is not UTF-8"},
		"empty":               {"", "queue: open: invalid URL: is empty"},
		"a driver of ours":    {"sqlite://" + canary + "/jobs.db?queue=q", `no driver for scheme "sqlite"; import _ "github.com/leat-go/leat/backends/sqlite"`},
		"no scheme":           {canary + ".db", "queue: open: invalid URL: has no scheme, which names its driver, as memory:// does"},
		"unknown scheme":      {"stroe://" + canary + "@host?queue=q", `no driver for scheme "stroe" is registered (have: memory, queue-test)`},
		"unknown parameter":   {"memory://?queue=q&retention=" + canary, `unknown parameter "retention"`},
		"what a driver says":  {"queue-test://u:" + canary + "@host?queue=q", "refused"},
		"secret as a queue":   {"queue-test://u@host?password=" + canary + "&queue=q", "refused"},
		"can't be parsed":     {"memory://u:" + canary + "\x7f@host?queue=q", "queue: open: invalid URL: can't be parsed"},
		"malformed parameter": {"memory://?queue=q&" + canary + "=%zz", "queue: open: invalid URL: has a malformed query"},
	} {
		q, err := queue.Open[settings, plan](t.Context(), c.raw)
		if q != nil || err == nil || !strings.HasPrefix(err.Error(), "queue: open: ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s", name, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v tells the secret", name, err)
		}
		if c.says != "refused" {
			matches(t, name, err, queue.ErrInvalid)
		}
	}
}
