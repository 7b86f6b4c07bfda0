package main

import (
	"context"
	"database/sql"
	"time"

	"maragu.dev/goqite"
	"maragu.dev/goqite/jobs"
)

// goqitePoll is what its README chooses.
const goqitePoll = 10 * time.Millisecond

// goqiteSchema is schema_sqlite.sql of v0.4.0, which users copy, and which is to
// be run once.
const goqiteSchema = `
create table if not exists goqite (
  id text primary key default ('m_' || lower(hex(randomblob(16)))),
  created text not null default (strftime('%Y-%m-%dT%H:%M:%fZ')),
  updated text not null default (strftime('%Y-%m-%dT%H:%M:%fZ')),
  queue text not null,
  body blob not null,
  timeout text not null default (strftime('%Y-%m-%dT%H:%M:%fZ')),
  received integer not null default 0,
  priority integer not null default 0
) strict;

create trigger if not exists goqite_updated_timestamp after update on goqite begin
  update goqite set updated = strftime('%Y-%m-%dT%H:%M:%fZ') where id = old.id;
end;

create index if not exists goqite_queue_priority_created_idx on goqite (queue, priority desc, created);`

// openGoqite uses one connection, as the README does.
func openGoqite(path string) (*sql.DB, *goqite.Queue, error) {
	db, err := openFull(path, 1)
	if err != nil {
		return nil, nil, err
	}
	if _, err := db.Exec(goqiteSchema); err != nil {
		db.Close()
		return nil, nil, err
	}
	return db, goqite.New(goqite.NewOpts{DB: db, Name: "bench"}), nil
}

// goqiteRunner is its job runner, with our number of workers.
func goqiteRunner(path string) (carrier, error) {
	db, q, err := openGoqite(path)
	if err != nil {
		return carrier{}, err
	}
	create := func(tx *sql.Tx) error {
		_, err := jobs.CreateTx(context.Background(), tx, q, "bench", goqite.Message{Body: encode()})
		return err
	}
	return carrier{
		send:    func() error { return goqiteInTx(db, 1, create) },
		sendAll: func(n int) error { return goqiteInTx(db, n, create) },
		consume: func(ctx context.Context, done func(int)) error {
			r := jobs.NewRunner(jobs.NewRunnerOpts{Limit: workers, PollInterval: goqitePoll, Queue: q})
			r.Register("bench", func(_ context.Context, m []byte) error {
				if err := decode(m); err != nil {
					return err
				}
				done(1)
				return nil
			})
			r.Start(ctx)
			return nil
		},
		left:  counting(db, "SELECT count(*) FROM goqite"),
		close: closing(db),
	}, nil
}

// goqiteReceive is the queue beneath, with a loop in each worker: its runner
// sleeps where this one doesn't.
func goqiteReceive(path string) (carrier, error) {
	db, q, err := openGoqite(path)
	if err != nil {
		return carrier{}, err
	}
	send := func(tx *sql.Tx) error { return q.SendTx(context.Background(), tx, goqite.Message{Body: encode()}) }
	return carrier{
		send:    func() error { return goqiteInTx(db, 1, send) },
		sendAll: func(n int) error { return goqiteInTx(db, n, send) },
		consume: func(ctx context.Context, done func(int)) error {
			return crew(func() error {
				for {
					m, err := q.ReceiveAndWait(ctx, goqitePoll)
					if err != nil {
						return unlessEnded(ctx, err)
					}
					if err := decode(m.Body); err != nil {
						return err
					}
					if err := q.Delete(context.Background(), m.ID); err != nil {
						return err
					}
					done(1)
				}
			})
		},
		left:  counting(db, "SELECT count(*) FROM goqite"),
		close: closing(db),
	}, nil
}

// goqiteInTx sends n messages in one transaction, which is goqite's batch.
func goqiteInTx(db *sql.DB, n int, send func(*sql.Tx) error) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	for range n {
		if err := send(tx); err != nil {
			return err
		}
	}
	return tx.Commit()
}
