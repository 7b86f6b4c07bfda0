package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/leat-go/leat/internal/seam"
)

// unknown stands in for the worker of a job that this program doesn't know (R10):
// a kind, or a schema version, of another version of the program. A store gives
// such jobs to anybody only when all who know them have been gone for UnknownAfter.
// A broker gives them to whoever asks, and they are put back: not until a time after
// they were due, which a backlog may have used up before anybody looked, but so
// often that the waits in between make up UnknownAfter.
func (e *engine) unknown(stored string) *kind {
	k := *e.facts
	k.writeBack, k.unknown = false, true
	k.handle = func(_ context.Context, a *attempt) verdict {
		if !k.Features.Kinds && a.Lease.Token <= unknownLooks {
			return verdict{err: Snooze(k.Filled.UnknownAfter / unknownLooks)}
		}
		return verdict{err: deadFor("no worker knows its kind", unknownKind(stored))}
	}
	k.after = func(context.Context, *attempt) error { return errors.ErrUnsupported }
	return &k
}

// unknownLooks is how often an unknown job is put back. Every look is a claim, and the
// token counts those.
const unknownLooks = 60

func unknownKind(stored string) error {
	kind, schema := seam.Schema(stored)
	if schema > 0 {
		return fmt.Errorf("kind %q with schema %d, which this worker doesn't know", kind, schema)
	}
	return fmt.Errorf("kind %q, which this worker doesn't know", kind)
}
