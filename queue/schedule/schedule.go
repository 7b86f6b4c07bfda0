package schedule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/queue"
)

// None as CatchUp: what was missed doesn't fire.
const None = -1

// Overlap says what becomes of a tick while the job of the tick before still waits
// or runs.
type Overlap uint8

const (
	// Allow fires it all the same.
	Allow Overlap = iota
	// Skip lets it pass; [State.Skipped] counts it. It costs a Lookup per tick.
	Skip
)

// Schedule makes a job of Queue at every tick. It is a Runner, for worker.Run, on
// as many nodes as one likes: see the package's text. The fields are for before the
// first use; then it is safe for concurrent use.
type Schedule[T, R any] struct {
	Queue *queue.Queue[T, R]
	Name  string // unique in its queue; at most 128 bytes. Another name is another schedule

	Cron     string         // five fields or @daily etc.; or
	Every    time.Duration  // whole seconds; one of the two
	Location *time.Location // whose wall clock Cron means; nil = UTC. time.Local is refused: nodes may differ in it

	// Jitter delays each tick by up to so much, never past the next one. All nodes agree how
	// much it is for a tick: schedules spread, nodes don't.
	Jitter  time.Duration
	CatchUp int           // most missed ticks that fire, newest; 0 = 1, None = -1, at most MaxCatchUp
	Grace   time.Duration // with None: a tick so late is still on time; 0 = 1 min
	Overlap Overlap

	// Args makes the args of a tick; nil = the zero T. After an error it is asked
	// again, with backoff, for the tick that is then due; a panic is one. Its
	// context ends within a minute. Nodes should agree in what it returns: the first one counts.
	Args    func(ctx context.Context, t Tick) (T, error)
	Options []queue.Option // of each job; a Key is overridden, and the same on all nodes: the key of a job is its tenant's

	Logger *slog.Logger // nil = slog.Default()

	now func() time.Time // of tests; nil = time.Now
	nap time.Duration    // of tests; 0 = look
}

// MaxCatchUp bounds CatchUp.
const MaxCatchUp = 1000

const (
	maxName      = 128
	minRetention = 5 * time.Minute
	defaultGrace = time.Minute
	look         = time.Minute // the clock is looked at so often, as it may jump
)

// New returns a schedule of q; set Cron or Every.
func New[T, R any](q *queue.Queue[T, R], name string) *Schedule[T, R] {
	return &Schedule[T, R]{Queue: q, Name: name}
}

// Check says what is wrong with the fields, or that the queue's backend can't carry a
// schedule ([errors.ErrUnsupported]: it has no records or no cells). Run says the same; Check
// is for a program that wants to know before. It touches no store.
func (s *Schedule[T, R]) Check() error {
	_, err := s.facts()
	return wrap(s.Name, "check", err)
}

// Next is the first tick after t, zero if there is none.
func (s *Schedule[T, R]) Next(t time.Time) (Tick, error) {
	r, err := s.rhythm()
	if err != nil {
		return Tick{}, wrap(s.Name, "next", err)
	}
	next, _ := r.after(t)
	return next, nil
}

// facts is what the fields come to.
type facts struct {
	pace
	queue *seam.Queue
	cell  cell
	grace time.Duration
	log   *slog.Logger
	clock func() time.Time
	look  time.Duration // the longest sleep
}

func (s *Schedule[T, R]) facts() (*facts, error) {
	r, err := s.rhythm()
	if err != nil {
		return nil, err
	}
	if err := s.checkFields(); err != nil {
		return nil, err
	}
	q, err := s.Queue.Inside(seam.Key{})
	if err != nil {
		return nil, err
	}
	if err := s.checkQueue(q); err != nil {
		return nil, err
	}
	f := &facts{
		pace:  pace{rhythm: r, name: s.Name, jitter: s.Jitter},
		queue: q,
		cell:  cell{cells: q.Backend.Cells(), key: cellKey(q.Name, s.Name)},
		grace: cmp.Or(s.Grace, defaultGrace),
		log:   cmp.Or(s.Logger, slog.Default()).With("schedule", s.Name, "queue", q.Name),
		clock: s.now,
		look:  cmp.Or(s.nap, look),
	}
	if f.clock == nil {
		f.clock = time.Now
	}
	return f, nil
}

func (s *Schedule[T, R]) checkFields() error {
	switch {
	case s.Queue == nil:
		return invalid("Queue", "is missing")
	case s.Name == "":
		return invalid("Name", "is missing")
	case len(s.Name) > maxName || !utf8.ValidString(s.Name) || strings.ContainsRune(s.Name, 0):
		return invalid("Name", "must be at most 128 bytes of UTF-8 without NUL")
	case s.Jitter < 0:
		return invalid("Jitter", "must not be negative")
	case s.Grace < 0:
		return invalid("Grace", "must not be negative")
	case s.CatchUp < None || s.CatchUp > MaxCatchUp:
		return invalid("CatchUp", fmt.Sprintf("must be None, 0 or at most %d", MaxCatchUp))
	case s.Overlap > Skip:
		return invalid("Overlap", "must be Allow or Skip")
	}
	return nil
}

func (s *Schedule[T, R]) checkQueue(q *seam.Queue) error {
	switch {
	case !q.Features.Records || q.Backend.Cells() == backends.NoCells:
		return &unsupportedError{q.Features.Name}
	case q.Filled.Retention < minRetention || q.Filled.DeadRetention < minRetention:
		return &queue.InvalidError{Field: "Queue.Retention or DeadRetention", Reason: "must be at least 5 min: it holds a tick's key while nodes fire it"}
	}
	return nil
}

// rhythm is Cron or Every.
func (s *Schedule[T, R]) rhythm() (rhythm, error) {
	zone := s.zone()
	switch {
	case zone == time.Local:
		return nil, invalid("Location", "is the machine's own, in which nodes may differ: name one, by time.LoadLocation")
	case s.Cron != "" && s.Every != 0:
		return nil, invalid("Every", "is set, and Cron too: which is it?")
	case s.Cron != "":
		return parse(s.Cron, zone)
	case s.Every == 0:
		return nil, invalid("Cron", "is missing, and Every too")
	case s.Every < time.Second || s.Every%time.Second != 0:
		return nil, invalid("Every", "must be whole seconds, at least one")
	}
	return interval{s.Every, zone}, nil
}

func (s *Schedule[T, R]) zone() *time.Location { return cmp.Or(s.Location, time.UTC) }

func invalid(field, reason string) error {
	return &queue.InvalidError{Field: "Schedule." + field, Reason: reason}
}

type unsupportedError struct{ backend string }

func (e *unsupportedError) Error() string {
	return "schedules on " + e.backend + ", which has no records or no cells: unsupported operation"
}
func (e *unsupportedError) Unwrap() error { return errors.ErrUnsupported }

func wrap(name, verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("schedule %q: %s: %w", name, verb, err)
}
