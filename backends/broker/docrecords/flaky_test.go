package docrecords_test

import (
	"context"
	"sync/atomic"

	"gocloud.dev/docstore"
	"gocloud.dev/docstore/driver"
	"gocloud.dev/gcerrors"
)

// flaky is a driver that passes single actions on to a collection, counts them,
// and breaks the next ones as it is told.
type flaky struct {
	inner   *docstore.Collection
	gets    atomic.Int32
	writes  atomic.Int32
	repeat  atomic.Bool                  // writes take effect, and are then repeated by the client
	before  func(kind driver.ActionKind) // is called before an action; nil = nothing
	failure error
	odd     map[string]any // what a Get finds besides
}

func (f *flaky) collection() *docstore.Collection { return docstore.NewCollection(f) }

func (f *flaky) RunActions(ctx context.Context, actions []*driver.Action, _ *driver.RunActionsOptions) driver.ActionListError {
	if f.failure != nil {
		return driver.NewActionListError([]error{f.failure})
	}
	a := actions[0]
	if f.before != nil {
		f.before(a.Kind)
	}
	fields := a.Doc.Origin.(map[string]any)
	old := fields[docstore.DefaultRevisionField]
	err := f.run(ctx, a.Kind, fields)
	if err == nil && a.Kind != driver.Get && f.repeat.Load() {
		fields[docstore.DefaultRevisionField] = old
		err = f.run(ctx, a.Kind, fields)
	}
	return driver.NewActionListError([]error{err})
}

func (f *flaky) run(ctx context.Context, kind driver.ActionKind, fields map[string]any) error {
	var err error
	switch kind {
	case driver.Get:
		f.gets.Add(1)
		if err = f.inner.Get(ctx, fields); err == nil {
			for k, v := range f.odd {
				fields[k] = v
			}
		}
	case driver.Create:
		f.writes.Add(1)
		err = f.inner.Create(ctx, fields)
	case driver.Replace:
		f.writes.Add(1)
		err = f.inner.Replace(ctx, fields)
	}
	if list, ok := err.(docstore.ActionListError); ok {
		return list[0].Err
	}
	return err
}

func (f *flaky) Key(doc driver.Document) (any, error)    { return doc.GetField("key") }
func (f *flaky) RevisionField() string                   { return docstore.DefaultRevisionField }
func (f *flaky) RevisionToBytes(rev any) ([]byte, error) { return revisionBytes(f.inner, rev) }
func (f *flaky) BytesToRevision(b []byte) (any, error)   { return revisionOf(f.inner, b) }
func (f *flaky) As(any) bool                             { return false }
func (f *flaky) ErrorAs(error, any) bool                 { return false }
func (f *flaky) ErrorCode(err error) gcerrors.ErrorCode  { return gcerrors.Code(err) }
func (f *flaky) Close() error                            { return nil }
func (f *flaky) RunGetQuery(context.Context, *driver.Query) (driver.DocumentIterator, error) {
	panic("records never query")
}
func (f *flaky) QueryPlan(*driver.Query) (string, error) { panic("records never query") }

func revisionBytes(c *docstore.Collection, rev any) ([]byte, error) {
	s, err := c.RevisionToString(rev)
	return []byte(s), err
}

func revisionOf(c *docstore.Collection, b []byte) (any, error) {
	return c.StringToRevision(string(b))
}
