package backendtest

import (
	"slices"

	"github.com/leat-go/leat/backends"
)

// What a case needs of a Backend: without it the case is skipped, and another proves that
// the verb is refused.

func records(f backends.Features) bool { return f.Records }

// softLeases: what lapsed may be renewed.
func softLeases(f backends.Features) bool { return f.Records && !f.HardLease }

func kinds(f backends.Features) bool { return f.Kinds }

func queues(f backends.Features) bool { return f.Queues }

// all is the need of a case for several features.
func all(needs ...func(backends.Features) bool) func(backends.Features) bool {
	return func(f backends.Features) bool {
		return !slices.ContainsFunc(needs, func(has func(backends.Features) bool) bool { return !has(f) })
	}
}

func countsBacklog(f backends.Features) bool { return f.Backlog }
func sharesCaps(f backends.Features) bool    { return f.SharedCaps }
func hasPriority(f backends.Features) bool   { return f.Priority }
func isShared(f backends.Features) bool      { return f.Shared }
func isFair(f backends.Features) bool        { return f.Fair }
func keepsPayload(f backends.Features) bool  { return f.KeepsPayload }
func hasStats(f backends.Features) bool      { return f.Stats }
func exactStats(f backends.Features) bool    { return f.Stats && f.ExactStats }
func lists(f backends.Features) bool         { return f.Lists }
func pauses(f backends.Features) bool        { return f.Pauses }
