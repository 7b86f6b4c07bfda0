package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leat-go/leat/internal/seam"
)

// unknown stands in for the worker of a job that this program doesn't know (R10):
// a kind, or a schema version, of another version of the program. A store gives
// such jobs to anybody only when all who know them have been gone for UnknownAfter;
// a broker gives them to whoever asks, and they are put back until then.
func (e *engine) unknown(stored string) *kind {
	k := *e.facts
	k.writeBack = false
	k.handle = func(_ context.Context, a *attempt) verdict {
		waited := time.Since(time.Unix(0, a.Lease.Job.Start(a.Lease.Created.UnixNano())))
		if patience := k.Filled.UnknownAfter; !k.Features.Kinds && waited < patience {
			return verdict{err: Snooze(min(patience/60+time.Millisecond, time.Minute))}
		}
		return verdict{err: deadFor("no worker knows its kind", unknownKind(stored))}
	}
	k.after = func(context.Context, *attempt) error { return errors.ErrUnsupported }
	return &k
}

func unknownKind(stored string) error {
	kind, schema := seam.Schema(stored)
	if schema > 0 {
		return fmt.Errorf("kind %q with schema %d, which this worker doesn't know", kind, schema)
	}
	return fmt.Errorf("kind %q, which this worker doesn't know", kind)
}
