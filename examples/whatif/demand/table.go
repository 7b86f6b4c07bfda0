package demand

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// table reads a CSV file by the names of its columns.
type table struct {
	rows    *csv.Reader
	columns map[string]int
	names   []string
	row     []string
	err     error // the first that was met
}

// open reads the header, which must have the given columns.
func open(r io.Reader, columns ...string) (*table, error) {
	t := &table{rows: csv.NewReader(r), columns: map[string]int{}}
	t.rows.ReuseRecord = true
	header, err := t.rows.Read()
	if err != nil {
		return nil, fmt.Errorf("demand: the header: %w", err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	for i, name := range header {
		t.columns[name] = i
		t.names = append(t.names, name)
	}
	for _, name := range columns {
		if _, ok := t.columns[name]; !ok {
			return nil, fmt.Errorf("demand: there is no column %q", name)
		}
	}
	return t, nil
}

// next goes to the next line. It is false at the end and after an error.
func (t *table) next() bool {
	if t.err != nil {
		return false
	}
	row, err := t.rows.Read()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			t.err = fmt.Errorf("demand: %w", err)
		}
		return false
	}
	t.row = row
	return true
}

// fail notes what is wrong with a column of this line.
func (t *table) fail(column, want string) {
	if t.err == nil {
		line, _ := t.rows.FieldPos(t.columns[column])
		t.err = fmt.Errorf("demand: line %d: %s: %q is not %s", line, column, t.row[t.columns[column]], want)
	}
}

func (t *table) text(column string) string {
	s := t.row[t.columns[column]]
	if s == "" {
		t.fail(column, "a name")
	}
	return strings.Clone(s) // the row is one string, and is reused
}

func (t *table) units(column string) int {
	n, err := strconv.Atoi(t.row[t.columns[column]])
	if err != nil || n < 0 || n > math.MaxInt32 {
		t.fail(column, "a number of units")
	}
	return n
}

func (t *table) pounds(column string) float64 {
	p, err := strconv.ParseFloat(t.row[t.columns[column]], 64)
	if err != nil || !(p > 0 && p < 1e9) {
		t.fail(column, "a price")
	}
	return p
}

func (t *table) time(column string) time.Time {
	at, err := time.Parse(time.RFC3339, t.row[t.columns[column]])
	if err != nil {
		t.fail(column, "a time")
	}
	return at
}

// file reads a file with a reader of this package, and puts the path into errors.
func file[T any](path string, read func(io.Reader) ([]T, error)) ([]T, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}
