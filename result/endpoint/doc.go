// Package endpoint serves one queue over HTTP: a job is accepted at once, and its
// caller polls, waits or streams, and fetches the result.
//
//	POST   /jobs              202  Location: /jobs/{id}, Retry-After    (Idempotency-Key)
//	GET    /jobs/{id}         200  how it stands: JSON, in every state
//	                          304  as If-None-Match says
//	GET    /jobs/{id}/result  200  the result, as it is encoded; 204 if that is no bytes
//	                          202  not yet: how it stands, Retry-After
//	                          303  a large one is in the bucket, if Redirect is set
//	                          409, 410  it ended without one
//	GET    /jobs/{id}/events  200  each change as it comes: server-sent events
//	                          204  the client has seen the end
//	DELETE /jobs/{id}         202  cancelled, or will be
//	                          409  it had ended
//	GET    /jobs/openapi.json 200  all this, for programs (OpenAPI 3.1)
//
// How a job stands, with the fields of [result.Status] in small letters; what is
// empty is left out, and right after a POST only the first three are there:
//
//	{
//	  "id": "k3v…", "state": "running",      waiting, running, or one of the five ends
//	  "links": {"self": "/jobs/k3v…", "result": "/jobs/k3v…/result", "events": "/jobs/k3v…/events", "newer": "…"},
//	  "phase": "running",                    as Status.Phase says it
//	  "steps": [                             to show as they are
//	    {"name": "accepted", "state": "done"}, {"name": "queued", "state": "done"},
//	    {"name": "running", "state": "current"}, {"name": "done", "state": "ahead"}
//	  ],                                     the last one may be "failed", "cancelled", … with state "failed"
//	  "attempt": 1, "progress": {"percent": 40, "text": "…"},
//	  "created": "2026-12-09T10:14:00Z", "due": "…", "deadline": "…", "ended": "…",
//	  "batch": {"members": 9, "ended": 3, "failed": 0, "sealed": true},
//	  "reason": "…", "failures": [{"attempt": 1, "at": "…", "text": "…"}]    if ShowErrors
//	}
//
// It is an http.Handler for any mux, behind any middleware:
//
//	jobs := endpoint.New(q)
//	jobs.Authorize = func(r *http.Request) (tenant string, err error) { … }
//	mux.Handle("/jobs", jobs)
//	mux.Handle("/jobs/", jobs)
//
// # Waiting
//
// A client that would rather wait says "Prefer: wait=10", in seconds (RFC 7240), and is
// told by Preference-Applied what it gets, at most MaxWait. A POST, or a GET of the result,
// is then answered with the result if it is there in time, else as without. A GET of the
// job waits for its end, or with If-None-Match for any other version.
//
// A stream is for an EventSource of a browser:
//
//	const job = new EventSource("/jobs/k3v…/events")
//	job.onmessage = e => { const s = JSON.parse(e.data); show(s); if (s.ended) job.close() }
//
// Each event is how the job stands, as above, first as it is now; its id is the ETag without
// quotes. Who comes back with Last-Event-ID is told what is new. Changes that come faster than
// ten times a second are told as one. A comment says now and then that the stream lives
// (Heartbeat), which lasts for MaxStream at most, so that Authorize is asked again; browsers
// come back by themselves. It outlasts a store that is away.
//
// Who waits or streams outlives the http.Server's ReadTimeout and WriteTimeout, which are
// for slow clients: WriteTimeout (30 s where there is none) bounds each piece that is sent.
// Shutdown waits for those who wait, unless they are told:
//
//	server.RegisterOnShutdown(jobs.Drain)
//
// A waiting request costs its connection, its goroutine and a few KiB; nothing is
// polled where Features.Prompt says that the store wakes whoever looks. MaxWaiting bounds how
// many one tenant may have.
//
// # Clients
//
// The timeout of headers is the http.Server's: set ReadHeaderTimeout there. A body must
// come within MaxWait, or within the server's ReadTimeout if it has one. Pages of another origin can change nothing without a CORS
// preflight, since a body must have the codec's content type. Preflights carry no
// credentials: answer them before they get here.
//
// The OpenAPI document has schemas of T and R as their Go types are read and written by
// encoding/json, or those of Args and Result. [Handler.OpenAPI] is the same for a page
// that shows it to everybody.
//
// # Guarantees
//
// Without Authorize everybody is refused. The tenant comes from that hook alone;
// another tenant's job is answered as one that doesn't exist, byte for byte, by
// the same code.
//
// A repeated POST with the same Idempotency-Key is one job (R2), a hundred at once
// too. The header's value is a structured-field string ("…", RFC 9651) or the same
// without quotes, of 1 to 255 visible characters; quotes don't make another key.
//
// Bodies are bounded in bytes and, if JSON, in depth (100) before they are
// decoded; what follows the value, text that isn't UTF-8 and, unless AllowUnknown,
// members that T doesn't have are refused. A member that comes twice counts once,
// the last time, as in encoding/json. A Codec of one's own decodes as it likes.
// Content-Encoding is not supported, so nothing can explode.
//
// # Problems
//
// Every refusal is application/problem+json (RFC 9457), and only its type, which
// doesn't change, is made for programs: "urn:leat:problem:" and
//
//	unauthenticated, forbidden      401, 403  as Authorize says
//	not-found                       404  no such job (any more), of this tenant
//	method-not-allowed              405
//	key-required, bad-key, bad-body 400
//	body-too-large                  413
//	unsupported-media-type          415
//	key-reused                      422  the Idempotency-Key came with other args before
//	refused                         422  by Validate, or by the queue
//	backlog-full                    429  Retry-After, RateLimit, RateLimit-Policy
//	too-many-waiting                429  MaxWaiting; Retry-After
//	dead, cancelled                 409  no result; an operator may yet give the job another life
//	superseded, expired             410  no result, for good; links.newer is the job that took its place
//	result-gone                     410  it succeeded, and its result is no longer kept
//	ended                           409  too late to cancel
//	internal                        500
//	unsupported                     501  this setup can't
//	unavailable                     503  the store is away; Retry-After
//
// No value of args, no error and nothing of how the service is made gets into an
// answer, nor into a log line, which has types of errors and no texts. What handlers wrote
// into an error is shown only if ShowErrors is set; their progress is meant for
// callers and always shown. A hook speaks to the client by returning a [Problem].
package endpoint
