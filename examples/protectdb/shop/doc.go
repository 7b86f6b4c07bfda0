// Package shop is the small database that a burst of orders must not drown: products, and
// orders that refer to them. It bears a few connections, and refuses one more: MariaDB and
// Postgres by a limit of the account, SQLite by a guard of ours.
//
// An order is placed once, however often it is tried: its row has the id of the job, and
// the row of a request can't be written twice.
package shop
