package filebucket

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
)

// List implements [queue.Bucket]. It sees plain files whose names are keys.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		_ = b.clear() // whoever lists sweeps, mostly; what can't be cleared is no reason not to
		lister{b, ctx, prefix, yield}.folder(".")
	}
}

// lister is one listing on its way.
type lister struct {
	b      *Bucket
	ctx    context.Context
	prefix string
	yield  func(string, error) bool
}

// folder yields what is below dir; false = stop.
func (l lister) folder(dir string) bool {
	if err := l.ctx.Err(); err != nil {
		l.yield("", err)
		return false
	}
	entries, err := l.b.readDir(dir)
	if err != nil {
		l.yield("", err)
		return false
	}
	for _, name := range sorted(entries) {
		name, isDir := strings.CutSuffix(name, "/")
		if badSegment(name) != "" {
			continue
		}
		full := path.Join(dir, name)
		switch {
		case isDir && l.reaches(full+"/"):
			if !l.folder(full) {
				return false
			}
		case !isDir && strings.HasPrefix(full, l.prefix):
			if err := l.ctx.Err(); err != nil {
				l.yield("", err)
				return false
			}
			if !l.yield(full, nil) {
				return false
			}
		}
	}
	return true
}

// reaches reports whether keys below dir may have the prefix.
func (l lister) reaches(dir string) bool {
	return strings.HasPrefix(dir, l.prefix) || strings.HasPrefix(l.prefix, dir)
}

// sorted are the names of files and, with a '/', of folders, in the order of the
// keys that they lead to: "a-b" stands before "a/b".
func sorted(entries []fs.DirEntry) []string {
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		switch {
		case e.IsDir():
			names = append(names, e.Name()+"/")
		case e.Type().IsRegular():
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names
}

// readDir is empty for a folder that isn't there: a Delete may have been faster.
func (b *Bucket) readDir(dir string) ([]fs.DirEntry, error) {
	f, err := b.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}
