// Package portal is the web site of the decoupled story: an HTTP interface for programs, and a
// page for people that works with JavaScript and without.
//
//	GET    /                          the form, and what I have asked
//	POST   /questions                 303 to the question's page
//	GET    /questions/{id}            how it stands, live; then the plan, or what went wrong
//	POST   /questions/{id}/cancel     303 back
//	GET    /questions/{id}/chart.svg  a picture of the plan
//	       /jobs…                     the same for programs (package endpoint)
//
// The portal computes nothing and waits for nothing:
//
//	person ─ form ───▶ portal ─ Enqueue ─▶ queue ─▶ workers
//	   ▲                  │                           │
//	   └── page.js ◀── /jobs/{id}/events ◀── record ◀─┘ progress, end
//
// Who somebody is, a cookie says: a random name at the first visit. What people have
// typed is shown as text, and a strict content security policy keeps it that.
package portal
