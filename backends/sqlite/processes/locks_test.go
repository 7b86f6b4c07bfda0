//go:build unix

package processes

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/leat-go/leat/backends/sqlite"
	"github.com/leat-go/leat/internal/plant"
	"github.com/leat-go/leat/queue"
)

// TestLocksOutliveAnotherStore: a program may have a file open more than once. When one
// of them is closed, the locks that the others hold stay: the kernel drops all those
// of a process on a file when it closes any descriptor of that file.
func TestLocksOutliveAnotherStore(t *testing.T) {
	folder := t.TempDir()
	first, second := look(t, Plan{Folder: folder}), look(t, Plan{Folder: folder})
	defer first.Close()
	db, err := sql.Open("sqlite", "file:"+file(folder)+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	write := func(name string) string {
		var said []string
		p := start(t, Plan{Part: "trespasser", Name: name, Folder: folder}, func(line string) { said = append(said, line) })
		<-p.ended
		return strings.Join(said, "\n")
	}
	if said := write("during"); said != "locked" {
		t.Errorf("while this process is in a transaction, another wrote: %s", said)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if said := write("after"); said != "wrote" {
		t.Errorf("after the transaction, another can't write: %s", said)
	}
}

// trespass writes, if it is let.
func trespass(ctx context.Context, p Plan) error {
	b, err := sqlite.Open(ctx, file(p.Folder), sqlite.Options{BusyTimeout: 1, Migrated: true})
	if err == nil {
		_, err = queue.New[Args, Result](b, queueName).Enqueue(ctx, Args{N: 1})
	}
	switch {
	case errors.Is(err, sqlite.ErrLocked):
		fmt.Println("locked")
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println("wrote")
	}
	return nil
}

// TestOpenTogether: any number of programs may make the file at once, and be killed as
// they do.
func TestOpenTogether(t *testing.T) {
	const programs = 6
	for range plant.Size("LEAT_OPENS", 2, 5) {
		p := Plan{Part: "opener", Folder: t.TempDir()}
		var all []*process
		for i := range programs {
			p.Name = fmt.Sprint("opener-", i)
			all = append(all, start(t, p, func(string) {}))
		}
		time.Sleep(rand.N(20 * time.Millisecond))
		all[0].kill()
		for _, pr := range all[1:] {
			if <-pr.ended; pr.err != nil {
				t.Errorf("%s: %v", pr.plan.Name, pr.err)
			}
		}
	}
}

// justOpen opens the store, and closes it.
func justOpen(ctx context.Context, p Plan) error {
	b, err := sqlite.Open(ctx, file(p.Folder), sqlite.Options{})
	if err != nil {
		return err
	}
	return b.Close()
}
