// Package spec is the contract of backends.Backend a second time, as a program:
// maps, linear scans and no cleverness, written from the comments and not from
// the code that stores share. It is the second opinion of the random histories.
//
// A [Store] makes no calls. It is told of each call, after the fact, with what
// was asked, what came back and when, and says whether the contract allows
// that. So it never has to guess among legal answers: which of the claimable
// jobs were leased, say, or which records a purge took.
//
//	out, err := b.Enqueue(ctx, req)
//	if why := s.Enqueued(time.Now(), req, out); why != nil { … }
//
// A store may do late, at the next claim or look, what the clock has made
// possible: write the end of an expired job, forget a record whose retention is
// over. Such a job is ripe; [Store.Ripe] names them, and the next record seen
// of it settles what happened ([Store.Looked]). Where the contract is silent the
// spec accepts what it sees, and says so in a comment.
package spec
