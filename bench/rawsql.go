package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"
)

// rawSQL is the least that keeps a queue's promises on SQLite: one statement
// for up to 100 jobs, which is a transaction of its own, to insert, to claim and
// to delete. Producers share commits: while one is synced the next jobs gather.
// No library in between, no due time, no lease that lapses, no record.
type rawSQL struct {
	db      *sql.DB
	claim   *sql.Stmt
	waits   *sql.Stmt
	delete  *sql.Stmt
	insert  [batch + 1]*sql.Stmt // by the number of jobs
	arrived chan rawJob
	turn    chan struct{} // full while somebody writes
	news    chan struct{} // full if there may be jobs
}

// rawJob waits to be written.
type rawJob struct {
	payload []byte
	written chan error
}

const rawSchema = `CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, leased INTEGER NOT NULL DEFAULT 0, payload BLOB NOT NULL)`

// raw opens the limit.
func raw(path string) (carrier, error) {
	db, err := openFull(path, 1)
	if err != nil {
		return carrier{}, err
	}
	r := &rawSQL{db: db, arrived: make(chan rawJob, batch), turn: make(chan struct{}, 1), news: make(chan struct{}, 1)}
	if err := r.prepare(); err != nil {
		db.Close()
		return carrier{}, err
	}
	return carrier{
		send:    r.send,
		sendAll: r.sendAll,
		consume: r.consume,
		left:    counting(db, "SELECT count(*) FROM jobs"),
		close:   closing(db),
	}, nil
}

func (r *rawSQL) prepare() (err error) {
	if _, err := r.db.Exec(rawSchema); err != nil {
		return err
	}
	one := func(query string) (s *sql.Stmt) {
		if err == nil {
			s, err = r.db.Prepare(query)
		}
		return s
	}
	for n := 1; n <= batch; n++ {
		r.insert[n] = one("INSERT INTO jobs (payload) VALUES (?)" + strings.Repeat(",(?)", n-1))
	}
	r.claim = one("UPDATE jobs SET leased = 1 WHERE id IN (SELECT id FROM jobs WHERE leased = 0 ORDER BY id LIMIT 100) RETURNING id, payload")
	r.waits = one("SELECT EXISTS (SELECT 1 FROM jobs WHERE leased = 0)")
	r.delete = one("DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?))")
	return err
}

// send waits until its job is committed, by whoever has the turn: itself if
// nobody else has.
func (r *rawSQL) send() error {
	j := rawJob{encode(), make(chan error, 1)}
	r.arrived <- j
	for {
		select {
		case err := <-j.written:
			return err
		case r.turn <- struct{}{}:
			r.writeArrived()
			<-r.turn
		}
	}
}

// writeArrived commits whatever has come while the last commit was synced.
func (r *rawSQL) writeArrived() {
	var group []rawJob
	var payloads []any
	for len(group) < batch && len(r.arrived) > 0 {
		j := <-r.arrived
		group, payloads = append(group, j), append(payloads, j.payload)
	}
	if len(group) == 0 {
		return
	}
	err := r.write(payloads)
	for _, j := range group {
		j.written <- err
	}
}

func (r *rawSQL) sendAll(n int) error {
	payloads := make([]any, n)
	for i := range payloads {
		payloads[i] = encode()
	}
	return r.write(payloads)
}

func (r *rawSQL) write(payloads []any) error {
	_, err := r.insert[len(payloads)].Exec(payloads...)
	select {
	case r.news <- struct{}{}:
	default:
	}
	return err
}

// consume claims, decodes and deletes. What other processes send it finds within
// a millisecond.
func (r *rawSQL) consume(ctx context.Context, done func(int)) error {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for ctx.Err() == nil {
		n, err := r.work(done)
		if err != nil {
			return err
		}
		for some := n > 0; !some && ctx.Err() == nil; {
			select {
			case <-r.news:
				some = true
			case <-look.C:
				if err := r.waits.QueryRow().Scan(&some); err != nil {
					return err
				}
			case <-ctx.Done():
			}
		}
	}
	return nil
}

// work is one claim, the handlers, and one delete.
func (r *rawSQL) work(done func(int)) (n int, err error) {
	rows, err := r.claim.Query()
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var ids []int64
	var payloads [][]byte
	for rows.Next() {
		var id int64
		var payload []byte
		if err := rows.Scan(&id, &payload); err != nil {
			return 0, err
		}
		ids, payloads = append(ids, id), append(payloads, payload)
	}
	if err := rows.Err(); err != nil || len(ids) == 0 {
		return 0, err
	}
	for _, p := range payloads {
		if err := decode(p); err != nil {
			return 0, err
		}
	}
	done(len(ids))
	list, err := json.Marshal(ids)
	if err != nil {
		return 0, err
	}
	_, err = r.delete.Exec(string(list))
	return len(ids), err
}
