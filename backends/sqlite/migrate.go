package sqlite

import (
	"context"
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
		have, needs := 0, 0
		if _, err := s.row(ctx, `SELECT coalesce(max(version), 0), coalesce(max(needs), 0) FROM leat_schema`, nil, &have, &needs); err != nil {
			return err
		}
		newest := steps[len(steps)-1].Version
		switch {
		case want < 0 && needs > newest:
			return fmt.Errorf("%w: the file has version %d, this program knows %d; use a newer version of it", ErrSchema, have, newest)
		case want < 0:
			want = max(have, newest)
		case want > newest:
			return fmt.Errorf("%w: there is no version %d, the newest is %d", ErrSchema, want, newest)
		}
		return s.step(ctx, steps, have, want)
	})
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
	newest := steps[len(steps)-1].Version
	var have, needed int
	_, err = s.row(ctx, `SELECT coalesce(max(version), 0), coalesce(max(needs), 0) FROM leat_schema`, nil, &have, &needed)
	switch {
	case err != nil && strings.Contains(err.Error(), "no such table"), err == nil && have < needs(newest):
		return fmt.Errorf("%w: the file has version %d, this program needs %d: let it migrate, or run the SQL of sqlite.Migrations", ErrSchema, have, newest)
	case err != nil:
		return err
	case needed > newest:
		return errors.New("unreachable")
	}
	return nil
}
