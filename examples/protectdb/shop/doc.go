// Package shop is the small database that a burst of orders must not drown: products, and
// orders that refer to them. It bears a few connections, and refuses one more: MariaDB and
// Postgres by a limit of the account, SQLite by a guard of ours.
//
// An order is placed once, however often its job is tried: the row has the id of the job.
// Nothing here keeps a request from having two: that is the queue's key, and is counted.
package shop
