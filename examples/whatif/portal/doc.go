// Package portal is the web site of the what-if story: partners change settings on
// screens, and are told when the plans are ready.
//
//	GET    /              the page of a partner, for people
//	GET    /products      what the partner sells
//	POST   /jobs          a changed screen; ?mode=trailing lets a running question finish
//	GET    /jobs/{id}…    how it stands, and its result (package endpoint)
//	GET    /ready         a stream of server-sent events: what has ended, and how
//	GET    /charts/{key}  charts in the results bucket
//
// The portal computes nothing. It enqueues, and it consumes the ready events that
// workers announce on a topic:
//
//	partner ─ POST ─▶ portal ─▶ queue ─▶ workers ─▶ bucket
//	   ▲                │                   │
//	   └──── /ready ────┴──── topic ◀───────┘
package portal
