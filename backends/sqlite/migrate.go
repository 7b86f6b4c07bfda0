package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The schema comes in numbered steps, each up and down. A store knows by leat_schema
// which ones it has. Programs may be one version apart: a step only adds what
// the programs before it can do without.

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migration is one step of the schema.
type Migration struct {
	Version  int
	Name     string
	Up, Down string // SQL
}

// Migrations are the steps of the schema, the first one first, with the names that
// tables have under a prefix ("" = DefaultPrefix). Print them to see what Open does, or
// to have it done by a tool of your own.
func Migrations(prefix string) ([]Migration, error) {
	named, err := naming(prefix)
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(migrationFiles, "migrations/*.up.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []Migration
	for _, file := range files {
		number, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".up.sql"), "_")
		m := Migration{Name: name}
		if m.Version, err = strconv.Atoi(number); err != nil {
			return nil, fmt.Errorf("migration %s: %w", file, err)
		}
		for _, part := range []struct {
			file string
			text *string
		}{{file, &m.Up}, {strings.Replace(file, ".up.", ".down.", 1), &m.Down}} {
			b, err := migrationFiles.ReadFile(part.file)
			if err != nil {
				return nil, err
			}
			*part.text = named(string(b))
		}
		all = append(all, m)
	}
	return all, nil
}

// DefaultPrefix begins the name of every table and index.
const DefaultPrefix = "leat_"

var prefixes = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}_$`)

// naming returns how SQL text is spelled under a prefix. A prefix is the one part
// of a statement that isn't a parameter, so it is held to a pattern.
func naming(prefix string) (func(string) string, error) {
	if prefix == "" || prefix == DefaultPrefix {
		return func(q string) string { return q }, nil
	}
	if !prefixes.MatchString(prefix) || strings.HasPrefix(prefix, "sqlite_") {
		return nil, invalid("prefix", "must match "+prefixes.String()+" and not begin with sqlite_")
	}
	return func(q string) string { return strings.ReplaceAll(q, DefaultPrefix, prefix) }, nil
}

// migrate brings the schema to version want; -1 = to the newest, leaving a newer one
// that this program still understands alone. It is one transaction that has
// the file to itself, so that any number of programs may start at once.
func migrate(ctx context.Context, s *session, prefix string, want int) error {
	steps, err := Migrations(prefix)
	if err != nil {
		return err
	}
	return s.transaction(ctx, func() error {
		if err := s.run(ctx, `CREATE TABLE IF NOT EXISTS leat_schema (version INTEGER PRIMARY KEY, name TEXT NOT NULL, needs INTEGER NOT NULL) STRICT`); err != nil {
			return err
		}
		v, err := s.version(ctx, steps)
		if err != nil {
			return err
		}
		to, err := v.target(want)
		if err != nil {
			return err
		}
		return s.step(ctx, steps, v.have, to)
	})
}

// version is what the schema of a file is to this program.
type version struct {
	have   int // of the file; 0 = there is none
	needs  int // what a program must know to use the file
	newest int // what this program knows
}

func (s *session) version(ctx context.Context, steps []Migration) (version, error) {
	v := version{newest: steps[len(steps)-1].Version}
	_, err := s.row(ctx, `SELECT coalesce(max(version), 0), coalesce(max(needs), 0) FROM leat_schema`, nil, &v.have, &v.needs)
	return v, err
}

// fits reports whether this program and the file are one version apart at most.
func (v version) fits() error {
	switch {
	case v.needs > v.newest:
		return fmt.Errorf("%w: the file has version %d, this program knows %d; use a newer version of it", ErrSchema, v.have, v.newest)
	case v.have < max(1, needs(v.newest)):
		return fmt.Errorf("%w: the file has version %d, this program needs %d; let it migrate, or run the SQL of sqlite.Migrations", ErrSchema, v.have, v.newest)
	}
	return nil
}

// target is the version to go to: want, or the newest for -1, where a newer one
// that this program can use stays.
func (v version) target(want int) (int, error) {
	switch {
	case want < 0 && v.have >= v.newest:
		return v.have, v.fits()
	case want < 0:
		return v.newest, nil
	case want > v.newest:
		return 0, fmt.Errorf("%w: there is no version %d, the newest is %d", ErrSchema, want, v.newest)
	case v.have > v.newest:
		return 0, fmt.Errorf("%w: the file has version %d, this program can undo up to %d; use a newer version of it", ErrSchema, v.have, v.newest)
	}
	return want, nil
}

// needs is the oldest version that programs must know to use a schema of version v:
// two adjacent versions work on one file.
func needs(v int) int { return v - 1 }

// step goes from one version to another.
func (s *session) step(ctx context.Context, steps []Migration, have, want int) error {
	for _, m := range steps {
		if m.Version > have && m.Version <= want {
			if err := s.script(ctx, m.Up); err != nil {
				return fmt.Errorf("migration %d %s: %w", m.Version, m.Name, err)
			}
			if err := s.run(ctx, `INSERT INTO leat_schema VALUES (?, ?, ?)`, m.Version, m.Name, needs(m.Version)); err != nil {
				return err
			}
		}
	}
	for _, m := range slices.Backward(steps) {
		if m.Version <= have && m.Version > want {
			if err := s.script(ctx, m.Down); err != nil {
				return fmt.Errorf("migration %d %s, down: %w", m.Version, m.Name, err)
			}
			if err := s.run(ctx, `DELETE FROM leat_schema WHERE version = ?`, m.Version); err != nil {
				return err
			}
		}
	}
	if want == 0 {
		return s.run(ctx, `DROP TABLE leat_schema`)
	}
	return nil
}

// checkSchema looks whether the schema is there, for programs that may not make it.
func checkSchema(ctx context.Context, s *session, prefix string) error {
	steps, err := Migrations(prefix)
	if err != nil {
		return err
	}
	v, err := s.version(ctx, steps)
	if err != nil && !errors.Is(err, ErrSchema) { // there is no table
		return err
	}
	return v.fits()
}

// Migrate brings the schema of a file to a version, up or down; -1 is the newest that
// this program knows. Version 0 drops all tables, and with them all jobs.
func Migrate(ctx context.Context, db *sql.DB, prefix string, version int) error {
	named, err := naming(prefix)
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return classified(err)
	}
	s := newSession(conn, named)
	err = migrate(ctx, s, prefix, version)
	s.close()
	return errors.Join(err, conn.Close())
}
