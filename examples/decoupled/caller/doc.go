// Package caller is the people in front of the decoupled story's portal. Each has a
// cookie, asks over HTTP in a way of their own, and keeps account of what they were
// promised and what came of it.
//
//	polls     GET /jobs/{id}, when Retry-After says, with If-None-Match
//	waits     Prefer: wait, on the POST and on the GET
//	streams   GET /jobs/{id}/events
//
// Whoever streams or waits goes on where a server can't: it asks again, calmly.
package caller
