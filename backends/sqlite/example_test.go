package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/leat-go/leat/backends/sqlite"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/result"
	"github.com/leat-go/leat/worker"
)

type (
	Order   struct{ SKU string }
	Receipt struct{ Number int }
)

// warehouse opens a file that holds a table of the program's own and a queue.
func warehouse(ctx context.Context, dir string) (*sql.DB, *sqlite.Backend, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "warehouse.db")+"?_txlock=immediate&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, nil, err
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS orders (number INTEGER PRIMARY KEY, sku TEXT NOT NULL)`); err != nil {
		return db, nil, err
	}
	b, err := sqlite.New(ctx, db, sqlite.Options{})
	return db, b, err
}

// A job that exists if and only if the order does.
func ExampleTx() {
	ctx := context.Background()
	dir, _ := os.MkdirTemp("", "leat-")
	defer os.RemoveAll(dir)
	db, b, err := warehouse(ctx, dir)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	defer b.Close()
	q := queue.New[Order, Receipt](b, "orders")

	place := func(o Order, payment error) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, `INSERT INTO orders (sku) VALUES (?)`, o.SKU); err != nil {
			return err
		}
		if _, err := q.On(sqlite.Tx(tx)).Enqueue(ctx, o); err != nil {
			return err
		}
		if payment != nil {
			return payment // neither order nor job
		}
		return tx.Commit() // both
	}

	fmt.Println(place(Order{"22423"}, nil))
	fmt.Println(place(Order{"85123A"}, fmt.Errorf("card refused")))
	var orders int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM orders`).Scan(&orders)
	stats, _ := q.Stats(ctx)
	fmt.Println(orders, "order,", stats.Queued, "job", err)
	// Output:
	// <nil>
	// card refused
	// 1 order, 1 job <nil>
}

// A handler whose own writes and the job's outcome are one transaction: they happen
// once, however often the job runs.
func ExampleTx_complete() {
	ctx, stop := context.WithCancel(context.Background())
	dir, _ := os.MkdirTemp("", "leat-")
	defer os.RemoveAll(dir)
	db, b, err := warehouse(ctx, dir)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	defer b.Close()
	q := queue.New[Order, Receipt](b, "orders")

	book := func(ctx context.Context, job *queue.Job[Order]) (Receipt, error) {
		var receipt Receipt
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return receipt, err
		}
		defer tx.Rollback()
		if err := tx.QueryRowContext(ctx, `INSERT INTO orders (sku) VALUES (?) RETURNING number`, job.Args.SKU).Scan(&receipt.Number); err != nil {
			return receipt, err
		}
		err = q.On(sqlite.Tx(tx)).Complete(ctx, job, receipt)
		if err == nil {
			err = tx.Commit()
		}
		if err != nil {
			return receipt, err
		}
		return receipt, worker.Settled
	}
	done := make(chan error)
	go func() { done <- worker.Consume(ctx, q, book) }()

	t, err := q.Enqueue(ctx, Order{"22423"})
	if err != nil {
		panic(err)
	}
	receipt, err := result.Wait(ctx, q, t.Ref)
	fmt.Printf("%+v %v\n", receipt, err)
	stop()
	fmt.Println(<-done)
	// Output:
	// {Number:1} <nil>
	// <nil>
}

// What to ask of the file in a shell, sqlite3 jobs.db, while programs work on it. Times
// are nanoseconds since 1970; states are 1 waiting, 2 running, 3 succeeded, 4 dead,
// 5 cancelled, 6 superseded, 7 expired.
func Example_shell() {
	ctx := context.Background()
	dir, _ := os.MkdirTemp("", "leat-")
	defer os.RemoveAll(dir)
	db, b, err := warehouse(ctx, dir)
	if err != nil {
		panic(err)
	}
	defer db.Close()
	defer b.Close()
	q := queue.New[Order, Receipt](b, "orders")
	for _, sku := range []string{"22423", "85123A"} {
		if _, err := q.Enqueue(ctx, Order{sku}, queue.Tenant("zeta")); err != nil {
			panic(err)
		}
	}

	for c, err := range worker.Claims(ctx, q) {
		if err == nil {
			err = c.Fail(ctx, worker.Permanent(errors.New("no such SKU")))
		}
		if err != nil {
			panic(err)
		}
		break
	}

	for _, ask := range []string{
		// how many jobs, by queue and state
		`SELECT q.name, j.state, count(*) FROM leat_jobs AS j JOIN leat_queues AS q ON q.id = j.queue GROUP BY 1, 2`,
		// who has most waiting
		`SELECT tenant, count(*) FROM leat_jobs WHERE state = 1 GROUP BY tenant ORDER BY 2 DESC LIMIT 10`,
		// what runs, and until when it is leased
		`SELECT tenant, id, attempt, datetime(at / 1000000000, 'unixepoch') FROM leat_jobs WHERE state = 2`,
		// why jobs were given up
		`SELECT tenant, attempt, json_extract(more, '$.failures[0].Text') FROM leat_jobs WHERE state = 4`,
		// one job, with its args
		`SELECT datetime(created / 1000000000, 'unixepoch') < datetime('now', '+1 minute'), CAST(payload AS TEXT) FROM leat_jobs ORDER BY seq LIMIT 1`,
	} {
		rows, err := db.QueryContext(ctx, ask)
		if err != nil {
			panic(err)
		}
		for rows.Next() {
			columns, _ := rows.Columns()
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				panic(err)
			}
			fmt.Println(values...)
		}
		rows.Close()
	}
	// Output:
	// orders 1 1
	// orders 4 1
	// zeta 1
	// zeta 1 no such SKU
	// 1 {"SKU":"22423"}
}
