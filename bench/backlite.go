package main

import (
	"context"
	"errors"
	"time"

	"github.com/mikestefanello/backlite"
)

// backliteTask is a job as backlite wants it, without retention.
type backliteTask args

func (backliteTask) Config() backlite.QueueConfig {
	return backlite.QueueConfig{Name: "bench", MaxAttempts: 5, Backoff: 5 * time.Second, Timeout: 10 * time.Second}
}

// viaBacklite is set up as its README says, with our number of workers. It
// learns of new tasks from its own client only, never from other processes.
func viaBacklite(path string) (carrier, error) {
	db, err := openFull(path, 0)
	if err != nil {
		return carrier{}, err
	}
	client, err := backlite.NewClient(backlite.ClientConfig{
		DB: db, ReleaseAfter: 10 * time.Minute, NumWorkers: workers, CleanupInterval: time.Hour,
	})
	if err != nil {
		db.Close()
		return carrier{}, err
	}
	if err := client.Install(); err != nil {
		db.Close()
		return carrier{}, err
	}
	var handled func(int)
	client.Register(backlite.NewQueue(func(context.Context, backliteTask) error { handled(1); return nil }))
	return carrier{
		send: func() error {
			_, err := client.Add(backliteTask(newArgs())).Save()
			return err
		},
		sendAll: func(n int) error {
			tasks := make([]backlite.Task, n)
			for i := range tasks {
				tasks[i] = backliteTask(newArgs())
			}
			_, err := client.Add(tasks...).Save()
			return err
		},
		consume: func(ctx context.Context, done func(int)) error {
			handled = done
			client.Start(context.WithoutCancel(ctx))
			<-ctx.Done()
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			defer cancel()
			if !client.Stop(ctx) {
				return errors.New("backlite doesn't stop")
			}
			return nil
		},
		left:  counting(db, "SELECT count(*) FROM backlite_tasks"),
		close: closing(db),
	}, nil
}
