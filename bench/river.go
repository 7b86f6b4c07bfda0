package main

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// riverArgs is a job as River wants it.
type riverArgs args

func (riverArgs) Kind() string { return "bench" }

// riverWorker does nothing.
type riverWorker struct {
	river.WorkerDefaults[riverArgs]
	handled func(int)
}

func (w *riverWorker) Work(context.Context, *river.Job[riverArgs]) error {
	w.handled(1)
	return nil
}

// riverDefault is River as it comes, with our number of workers; of its
// connections its driver's documentation wants but one.
func riverDefault(path string) (carrier, error) { return viaRiver(path, river.Config{}) }

// riverTuned fetches as often as River permits, and polls for what its listener,
// which looks every 50 ms, has not yet seen.
func riverTuned(path string) (carrier, error) {
	return viaRiver(path, river.Config{FetchCooldown: time.Millisecond, FetchPollInterval: 10 * time.Millisecond})
}

func viaRiver(path string, config river.Config) (carrier, error) {
	db, err := openFull(path, 1)
	if err != nil {
		return carrier{}, err
	}
	w := &riverWorker{}
	client, err := newRiver(db, w, config)
	if err != nil {
		db.Close()
		return carrier{}, err
	}
	return carrier{
		send: func() error {
			_, err := client.Insert(context.Background(), riverArgs(newArgs()), nil)
			return err
		},
		sendAll: func(n int) error {
			jobs := make([]river.InsertManyParams, n)
			for i := range jobs {
				jobs[i].Args = riverArgs(newArgs())
			}
			_, err := client.InsertManyFast(context.Background(), jobs)
			return err
		},
		consume: func(ctx context.Context, done func(int)) error {
			w.handled = done
			if err := client.Start(context.WithoutCancel(ctx)); err != nil {
				return err
			}
			<-ctx.Done()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			defer cancel()
			return client.Stop(ctx)
		},
		left:  counting(db, "SELECT count(*) FROM river_job WHERE state <> 'completed'"),
		close: closing(db),
	}, nil
}

func newRiver(db *sql.DB, w *riverWorker, config river.Config) (*river.Client[*sql.Tx], error) {
	driver := riversqlite.New(db)
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: riverLog})
	if err != nil {
		return nil, err
	}
	if _, err := m.Migrate(context.Background(), rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	config.Logger = riverLog
	config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}}
	config.Workers = river.NewWorkers()
	river.AddWorker(config.Workers, w)
	return river.NewClient(driver, &config)
}

// riverLog keeps the report clean.
var riverLog = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
