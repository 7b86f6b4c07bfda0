package result_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/backends/backendtest"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

func TestRule_R1_GetReadsWhatWasCommitted(t *testing.T) {
	s := newScene(t)
	ref := s.enqueue()
	_, err := result.Get(t.Context(), s.q, ref)
	expect(t, err, queue.ErrNotReady)

	l := s.Claim()
	_, err = result.Get(t.Context(), s.q, ref)
	expect(t, err, queue.ErrNotReady)

	s.Succeed(l, plan{12})
	got, err := result.Get(t.Context(), s.q, ref)
	expect(t, err, nil)
	if got.Order != 12 {
		t.Errorf("got %+v", got)
	}
}

// Each way to end is told with its reason, and matches the sentinel of that end.
func TestEndedErrorSaysHow(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(s *scene) (older, newer queue.Ref)
		want result.EndedError
		is   error
		text string
		fail []string // the handlers' words, by attempt
	}{
		"dead": {
			end: func(s *scene) (queue.Ref, queue.Ref) {
				ref := s.enqueue()
				s.Retry(s.Claim(), 0, "no stock")
				s.Die(s.Claim(), "no stock, twice")
				return ref, queue.Ref{}
			},
			want: result.EndedError{State: queue.Dead, Reason: "no stock, twice", Attempts: 2},
			text: "job ID ended dead after 2 attempts: no stock, twice",
			fail: []string{"no stock", "no stock, twice"},
		},
		"cancelled": {
			end: func(s *scene) (queue.Ref, queue.Ref) {
				ref := s.enqueue()
				s.cancel(ref)
				return ref, queue.Ref{}
			},
			want: result.EndedError{State: queue.Cancelled},
			is:   queue.ErrCancelled,
			text: "job ID ended cancelled",
		},
		"superseded while it runs": {
			end: func(s *scene) (queue.Ref, queue.Ref) {
				ref := s.enqueue(queue.Supersede("screen-9"))
				l := s.Claim()
				newer := s.enqueue(queue.Supersede("screen-9"))
				errs, err := s.b.Settle(s.Context(), []backends.Settlement{{Lease: l, Verb: backends.Commit, Outcome: backends.Succeeded, Result: []byte(`{}`)}})
				expect(s.T, errors.Join(append(errs, err)...), queue.ErrSuperseded)
				return ref, newer
			},
			want: result.EndedError{State: queue.Superseded, Attempts: 1},
			is:   queue.ErrSuperseded,
			text: "job ID ended superseded by NEWER after 1 attempt",
		},
		"expired": {
			end: func(s *scene) (queue.Ref, queue.Ref) {
				ref := s.enqueue(queue.Expiry(time.Minute))
				time.Sleep(time.Minute)
				return ref, queue.Ref{}
			},
			want: result.EndedError{State: queue.Expired},
			text: "job ID ended expired",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				older, newer := c.end(s)
				c.want.Ref, c.want.SupersededBy = older, newer
				for verb, read := range map[string]func() error{
					"get":  func() error { _, err := result.Get(t.Context(), s.q, older); return err },
					"wait": func() error { _, err := result.Wait(t.Context(), s.q, older); return err },
					"open": func() error { _, _, err := result.Open(t.Context(), s.q, older); return err },
				} {
					err := read()
					got, ok := errors.AsType[*result.EndedError](err)
					if !ok {
						t.Fatalf("%s: %v", verb, err)
					}
					if d := cmp.Diff(&c.want, got, cmp.FilterPath(reasonOf(c.want.Reason), cmp.Ignore()), cmpopts.IgnoreFields(result.EndedError{}, "Failures")); d != "" {
						t.Errorf("%s: %s", verb, d)
					}
					var fail []string
					for _, f := range got.Failures {
						fail = append(fail, f.Text)
					}
					if !slices.Equal(fail, c.fail) {
						t.Errorf("%s: failures %q, want %q", verb, fail, c.fail)
					}
					for _, sentinel := range []error{queue.ErrCancelled, queue.ErrSuperseded} {
						if errors.Is(err, sentinel) != (c.is == sentinel) {
							t.Errorf("%s: matches %v: %v", verb, sentinel, c.is != sentinel)
						}
					}
					text := strings.NewReplacer("ID", older.ID, "NEWER", newer.ID).Replace(c.text)
					if !strings.HasPrefix(err.Error(), "result: "+verb+": "+text) {
						t.Errorf("%s: text %q, want %q", verb, err, text)
					}
				}
			})
		})
	}
}

// reasonOf picks the reason where the store, not the test, gave it.
func reasonOf(want string) func(cmp.Path) bool {
	return func(p cmp.Path) bool { return want == "" && p.Last().String() == ".Reason" }
}

func TestRule_R2_OnlyTheQueuesOwnJobsAreFound(t *testing.T) {
	s := newScene(t)
	ref := s.enqueue()
	s.Succeed(s.Claim(), plan{12})
	emails := queue.View[settings, plan](s.q, "email")
	other := queue.New[settings, plan](s.b, "other")
	for name, c := range map[string]struct {
		q   *queue.Queue[settings, plan]
		ref queue.Ref
	}{
		"unknown":            {s.q, queue.Ref{Tenant: "zeta", ID: "none"}},
		"of nobody":          {s.q, queue.Ref{}},
		"of another tenant":  {s.q, queue.Ref{Tenant: "eta", ID: ref.ID}},
		"of another queue":   {other, ref},
		"of another kind":    {emails, ref},
		"of no tenant named": {s.q, queue.Ref{ID: ref.ID}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := result.Get(t.Context(), c.q, c.ref)
			expect(t, err, queue.ErrNotFound)
			if want := fmt.Sprintf("result: get: job %q of tenant %q: no such job", c.ref.ID, c.ref.Tenant); err.Error() != want {
				t.Errorf("error %q, want %q", err, want)
			}
			_, err = result.Wait(t.Context(), c.q, c.ref)
			expect(t, err, queue.ErrNotFound)
			st, err := result.Lookup(t.Context(), c.q, c.ref)
			if expect(t, err, queue.ErrNotFound); st != nil {
				t.Errorf("with a status: %+v", st)
			}
			body, st, err := result.Open(t.Context(), c.q, c.ref)
			if expect(t, err, queue.ErrNotFound); body != nil || st != nil {
				t.Errorf("with a body %v, a status %+v", body, st)
			}
			for st, err := range result.Watch(t.Context(), c.q, c.ref) {
				if expect(t, err, queue.ErrNotFound); st != nil {
					t.Errorf("with a status: %+v", st)
				}
			}
		})
	}
}

// A newer program reads what an older one enqueued, and the other way round.
func TestRule_R10_SchemaVersionsReadEachOther(t *testing.T) {
	s := newScene(t)
	newer := queue.New[settings, plan](s.b, "whatif")
	newer.Schema = 2
	ticket, err := newer.Enqueue(t.Context(), settings{})
	expect(t, err, nil)
	st, err := result.Lookup(t.Context(), s.q, ticket.Ref)
	expect(t, err, nil)
	if st.Kind != "" || st.Schema != 2 {
		t.Errorf("kind %q, schema %d", st.Kind, st.Schema)
	}
}

func TestGetAsksOnce(t *testing.T) {
	s := newScene(t)
	ref := s.enqueue()
	s.b.Inject(backendtest.Fault{Verb: backendtest.Lookup})
	_, err := result.Get(t.Context(), s.q, ref)
	expect(t, err, backendtest.ErrInjected)
	if n := s.b.Injected(backendtest.Lookup); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestAQueueThatMakesNoSenseSaysSo(t *testing.T) {
	q := queue.New[settings, plan](nil, "whatif")
	_, err := result.Get(t.Context(), q, queue.Ref{ID: "1"})
	expect(t, err, queue.ErrInvalid)
	_, err = result.Wait(t.Context(), q, queue.Ref{ID: "1"})
	expect(t, err, queue.ErrInvalid)
	_, err = result.Lookup(t.Context(), q, queue.Ref{ID: "1"})
	expect(t, err, queue.ErrInvalid)
	_, _, err = result.Open(t.Context(), q, queue.Ref{ID: "1"})
	expect(t, err, queue.ErrInvalid)
	for _, err = range result.Watch(t.Context(), q, queue.Ref{ID: "1"}) {
		expect(t, err, queue.ErrInvalid)
	}
}

// A result that isn't R, or is nothing at all, is an error of its own, and no half
// of it is returned.
func TestResultsThatDontDecode(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":      "",
		"half":         `{"Order":1`,
		"another type": `{"Order":"many"}`,
		"not JSON":     "\x00\xff",
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			ref := s.enqueue()
			s.Settle(backends.Settlement{Lease: s.Claim(), Verb: backends.Commit, Outcome: backends.Succeeded, Result: []byte(data)})
			got, err := result.Wait(t.Context(), s.q, ref)
			broken, ok := errors.AsType[*result.UnreadableError](err)
			if !ok || broken.Ref != ref || got != (plan{}) {
				t.Errorf("got %+v, error %v", got, err)
			}
		})
	}
}

// Who wants no result needs none that decodes.
func TestNoneIsReadFromAnything(t *testing.T) {
	s := newScene(t)
	none := queue.New[settings, queue.None](s.b, "whatif")
	ref := s.enqueue()
	s.Settle(backends.Settlement{Lease: s.Claim(), Verb: backends.Commit, Outcome: backends.Succeeded})
	_, err := result.Get(t.Context(), none, ref)
	expect(t, err, nil)
}
