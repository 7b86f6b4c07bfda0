package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/leat-go/leat/backends"
	"github.com/leat-go/leat/internal/seam"
	"github.com/leat-go/leat/internal/telemetry"
)

// watch is what the engine tells of itself: logs, spans, metrics, health. Nothing
// of a payload gets there, and the texts of handlers' errors only if the Pool says
// so. Nobody calls it under a lock: logs and exporters may be slow, and ask for the
// worker's health.
type watch struct {
	*telemetry.Consumer
	log    *slog.Logger
	texts  bool
	health *health
}

func newWatch(e *engine) *watch {
	return &watch{
		Consumer: telemetry.NewConsumer(e.Tracing, e.Metrics, e.facts.Name),
		log:      e.Logger.With("queue", e.facts.Name),
		texts:    e.LogErrors, health: e.health,
	}
}

// begin opens the span of a handler.
func (w *watch) begin(a *attempt) context.Context {
	ctx, span := w.Begin(a.ctx, a.Lease.Job, a.Lease.Attempt)
	a.begun, a.span = time.Now(), span
	return ctx
}

// decided closes it. What comes of a job that is another's now won't be written.
func (w *watch) decided(a *attempt, v verdict) {
	outcome := outcomeOf(a.write)
	if v.cause == backends.ErrLost {
		outcome = "lost"
	}
	kind := a.Lease.Job.Kind
	if a.kind.unknown {
		kind = telemetry.OtherKind
	}
	w.End(a.ctx, a.span, kind, outcome, time.Since(a.begun), v.err)
	if v.err == nil {
		return
	}
	level := slog.LevelWarn
	switch outcome {
	case "lost", backends.Snooze.String(), backends.Release.String(), backends.Cancelled.String(), backends.Superseded.String():
		level = slog.LevelDebug
	case backends.Dead.String():
		level = slog.LevelError
	}
	more := []any{"outcome", outcome}
	if a.write.Verb == backends.Retry || a.write.Verb == backends.Snooze {
		more = append(more, "delay", a.write.Delay)
	}
	if a.write.Reason != "" {
		more = append(more, "reason", a.write.Reason)
	}
	if v.cause != nil {
		more = append(more, "cause", v.cause.Error())
	}
	w.job(a.ctx, level, "leat: an attempt failed", a, v.err, more...)
}

// outcomeOf is a word for what is written.
func outcomeOf(s backends.Settlement) string {
	if s.Verb == backends.Commit {
		return s.Outcome.String()
	}
	return s.Verb.String()
}

// job logs something of one job; ctx has its span, if there is one.
func (w *watch) job(ctx context.Context, level slog.Level, msg string, a *attempt, err error, more ...any) {
	if !w.log.Enabled(ctx, level) {
		return
	}
	l := a.Lease
	kind, _ := seam.Schema(l.Job.Kind)
	attrs := []any{"tenant", l.Job.Tenant, "id", l.Job.ID, "kind", kind, "attempt", l.Attempt}
	if err != nil {
		attrs = append(attrs, "err_type", telemetry.TypeOf(err))
	}
	if attrs = append(attrs, more...); w.texts && err != nil {
		attrs = append(attrs, "err", textOf(err))
	}
	w.log.Log(ctx, level, msg, attrs...)
}

func (w *watch) limiterFailed(err error) {
	w.log.Error("leat: the Limiter panics, and isn't asked any more", "err_type", telemetry.TypeOf(err))
}

// gauge has metrics show how many slots there are, until it is told to stop.
func (w *watch) gauge(e *engine) (stop func()) {
	return w.Slots(func() (limit, busy int) {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.counted(), e.busy
	})
}

func (w *watch) claimFailed(err error) {
	w.log.Warn("leat: a claim failed", "err_type", telemetry.TypeOf(err))
}

func (w *watch) beaten(err error) {
	w.health.beaten(err)
	if err != nil {
		w.log.Warn("leat: leases could not be renewed", "err_type", telemetry.TypeOf(err))
	}
}

func (w *watch) settled(n int, took time.Duration, err error) {
	w.health.settled(err)
	w.Operation("settle", took, err)
	if err != nil {
		w.log.Warn("leat: outcomes could not be written; they will be", "jobs", n, "err_type", telemetry.TypeOf(err))
	}
}

func (w *watch) stuck(a *attempt, why error) {
	w.job(context.Background(), slog.LevelError, "leat: a handler doesn't return; its job will run elsewhere", a, nil, "cause", why.Error())
}

func (w *watch) refused(a *attempt, err error) {
	w.job(context.Background(), slog.LevelInfo, "leat: what came of an attempt was not taken", a, err)
}

func (w *watch) announced(n, failed int, took time.Duration, err error) {
	w.health.told(err)
	w.Operation("announce", took, err)
	if err != nil {
		w.log.Warn("leat: events could not be announced; they will be", "events", n, "failed", failed, "err_type", telemetry.TypeOf(err))
	}
}

func (w *watch) wroteBack(a *attempt, err error) {
	w.health.wrote(err)
	if err != nil {
		w.job(a.ctx, slog.LevelWarn, "leat: a write-back failed; it will be repeated", a, err)
	}
}

func (w *watch) unwritable(a *attempt, err error) {
	w.job(a.ctx, slog.LevelError, "leat: a result can't be read any more; its write-back is given up", a, err)
}
