package sqlite

import (
	"context"
	"path/filepath"
)

// Folder is where the file of b is.
func Folder(b *Backend) string {
	var path string
	_ = b.db.QueryRow(`SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path)
	return filepath.Dir(path)
}

// Waiting is how many jobs the counters of limits say that wait.
func Waiting(b *Backend) (n int) {
	_ = b.db.QueryRow(b.named(`SELECT (SELECT coalesce(sum(abs(waiting)), 0) FROM leat_backlogs) + (SELECT coalesce(sum(abs(waiting)), 0) FROM leat_queues)`)).Scan(&n)
	return n
}

// Own makes b close its database too.
func Own(b *Backend) { b.owned = true }

// BreakGlances has the queries fail that read versions for all who wait.
func BreakGlances(b *Backend) {
	st, err := b.read.prepare(context.Background(), versionsOf)
	if err != nil {
		panic(err)
	}
	_ = st.Close()
}
