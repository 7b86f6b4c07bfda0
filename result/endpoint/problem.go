package endpoint

import (
	"errors"
	"io/fs"
	"net/http"

	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
)

// Problem is an answer that says no, as application/problem+json (RFC 9457). A
// hook that returns one, wrapped or not, chooses the answer: all that it holds is
// shown to the client.
//
//	return "", &endpoint.Problem{Status: 401, Header: http.Header{"WWW-Authenticate": {"Bearer"}}}
type Problem struct {
	Status int         // 400 to 599; else the usual one of the hook
	Type   string      // a URI; "" = that of the status
	Title  string      // what kind of problem it is; "" = that of the status
	Detail string      // what is wrong this time; "" = none
	Header http.Header // sent along; a 401 needs a WWW-Authenticate

	links links // of a job that has no result, and of the one that took its place
}

func (p *Problem) Error() string { return p.Title + " " + p.Detail }

// space is what all types of problems begin with.
const space = "urn:leat:problem:"

// The problems that don't depend on the request.
var (
	unauthenticated  = problem(401, "unauthenticated", "Who are you?")
	forbidden        = problem(403, "forbidden", "This is not allowed.")
	notFound         = problem(404, "not-found", "There is no such job.")
	methodNotAllowed = problem(405, "method-not-allowed", "This can't be done here.")

	keyRequired  = problem(400, "key-required", "An Idempotency-Key header is required.")
	badKey       = problem(400, "bad-key", "The Idempotency-Key is not one string of 1 to 255 visible characters.")
	badBody      = problem(400, "bad-body", "The body can't be read.")
	bodyTooLarge = problem(413, "body-too-large", "The body is too large.")
	badMedia     = problem(415, "unsupported-media-type", "The body has the wrong content type or encoding.")

	keyReused   = problem(422, "key-reused", "This Idempotency-Key came with another request before.")
	refused     = problem(422, "refused", "This request can't be accepted as it is.")
	backlogFull = problem(429, "backlog-full", "Too many jobs are waiting.")
	tooManyWait = problem(429, "too-many-waiting", "Too many requests of yours are waiting for jobs.")

	resultGone = problem(410, "result-gone", "The job succeeded, and its result is no longer kept.")
	tooLate    = problem(409, "ended", "The job has ended.")

	internal    = problem(500, "internal", "Something went wrong here.")
	unsupported = problem(501, "unsupported", "This service can't do that.")
	unavailable = problem(503, "unavailable", "The jobs can't be reached now.")
)

// without are the ends without a result. Those that an operator can give another
// life are in conflict with the request, the others have gone for good.
var without = map[queue.State]*Problem{
	queue.Dead:       problem(409, "dead", "The job failed."),
	queue.Cancelled:  problem(409, "cancelled", "The job was cancelled."),
	queue.Superseded: problem(410, "superseded", "A newer job took the place of this one."),
	queue.Expired:    problem(410, "expired", "The job was not done before its deadline."),
}

func problem(status int, name, title string) *Problem {
	return &Problem{Status: status, Type: space + name, Title: title}
}

// saying is p with a detail.
func (p *Problem) saying(detail string) *Problem {
	q := *p
	q.Detail = detail
	return &q
}

// publicOf finds the Problem in a hook's error.
func publicOf(err error) *Problem {
	p, _ := errors.AsType[*Problem](err)
	return p
}

// completed is a hook's Problem with what it left open: the usual status, and type
// and title of the status.
func (p *Problem) completed(usual *Problem) *Problem {
	q := *p
	if q.Status < 400 || q.Status > 599 {
		q.Status = usual.Status
	}
	like := &Problem{Type: "about:blank", Title: http.StatusText(q.Status)}
	for _, known := range [...]*Problem{usual, unauthenticated, forbidden, notFound, unavailable} {
		if known.Status == q.Status {
			like = known
			break
		}
	}
	if q.Type == "" {
		q.Type = like.Type
		if q.Title == "" {
			q.Title = like.Title
		}
	}
	return &q
}

// mishap is a Problem whose cause is for the log.
type mishap struct {
	*Problem
	cause error
}

func (m *mishap) Unwrap() error { return m.cause }

// problemOf is the answer to an error, and whether somebody should know.
func problemOf(err error) (p *Problem, mine bool) {
	if m, ok := errors.AsType[*mishap](err); ok {
		return m.Problem, true
	}
	if p := publicOf(err); p != nil {
		return p, false
	}
	if _, broken := errors.AsType[*result.UnreadableError](err); broken {
		if errors.Is(err, fs.ErrNotExist) {
			return resultGone, true
		}
		return internal, true
	}
	for _, known := range [...]struct {
		err error
		p   *Problem
	}{
		{queue.ErrNotFound, notFound},
		{queue.ErrKeyReused, keyReused},
		{queue.ErrBacklogFull, backlogFull},
		{queue.ErrTooLarge, bodyTooLarge},
		{queue.ErrEnded, tooLate},
	} {
		if errors.Is(err, known.err) {
			return known.p, false
		}
	}
	switch {
	case errors.Is(err, queue.ErrInvalid):
		return refused, true
	case errors.Is(err, errors.ErrUnsupported):
		return unsupported, true
	}
	return unavailable, true
}

// noResult is the answer to who asks for the result of a job that has none.
func noResult(e *result.EndedError, base string, showErrors bool) *Problem {
	p := *without[e.State]
	if showErrors {
		p.Detail = e.Reason
	}
	p.links.Self = jobLink(base, e.Ref.ID)
	if e.SupersededBy.ID != "" {
		p.links.Newer = jobLink(base, e.SupersededBy.ID)
	}
	return &p
}
