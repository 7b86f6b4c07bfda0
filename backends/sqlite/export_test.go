package sqlite

import "path/filepath"

// Folder is where the file of b is.
func Folder(b *Backend) string {
	var path string
	_ = b.db.QueryRow(`SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path)
	return filepath.Dir(path)
}

// Own makes b close its database too.
func Own(b *Backend) { b.owned = true }
