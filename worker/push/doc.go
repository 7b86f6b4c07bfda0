// Package push runs the workers of package worker on messages that are pushed over
// HTTP, by Google Pub/Sub or by anybody who posts: one message per request, answered
// when its job is settled. It is for platforms that run a program while there are
// requests, as Cloud Run does.
//
//	source := push.NewSource(topic)                      // topic: to enqueue from here; or nil
//	b := broker.New(source, records, broker.Options{})
//	q := queue.New[Settings, Plan](b, "whatif")
//	h := push.New(source, worker.New(q, optimise))
//	h.Verify = push.Bearer(check)
//	http.Handle("POST /push", h)
//
// # A request
//
//	POST ──▶ Verify ──▶ body ──▶ message ──▶ claim ──▶ handler ──▶ commit ──▶ announce
//	          401 403    400 413      429       │         │           (fenced)      │
//	                                            ▼         ▼                         ▼
//	                              503, Retry-After: it comes again                 204
//
// The sender's redelivery is what keeps a message: only 2xx lets it go. The context of
// the job's handler ends before the request does ([Handler].Timeout, [Handler].Margin,
// the request's own deadline, a sender that hangs up); then the job is given back, no
// attempt used, but by one that had the request's whole time: that has failed.
//
// # Settings of a Pub/Sub subscription
//
//	ack deadline     above Handler.Timeout
//	retry policy     exponential; Retry-After is for senders that read it, and a message
//	                 that comes too early is put off without an attempt used
//	dead lettering   off, or after many attempts: the records count those that matter
//	authentication   an OIDC token, and Verify
//
// # What is promised
//
// That of a worker on any broker: the record decides, commits are fenced, delivery is at
// least once. A message that is pushed again while it runs in this process waits (429);
// in another process it takes the job over, and the first one is fenced out. Nothing of
// a request is left when it is answered, but a handler that never returned.
//
// Nobody is trusted without Verify, which is called before the body is read. There is no
// token library here: [Bearer] takes the function of yours.
package push
