package webhook

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
)

// HookError says that a hook of the application panicked. It has no more of what
// it panicked with than the type, and the text of a runtime.Error, since the hooks
// handle URLs and secrets.
type HookError struct {
	Hook  string // "Targets", "Lookup" or "Gone"
	What  string
	Stack []byte
}

func (e *HookError) Error() string {
	return fmt.Sprintf("webhook: the %s hook panicked: %s\n\n%s", e.Hook, e.What, e.Stack)
}

// errHookLeft is of a hook that ended its goroutine.
var errHookLeft = errors.New("webhook: a hook called runtime.Goexit")

// maxStack is what is kept of a stack.
const maxStack = 2 << 10

// guard calls a hook.
func guard[T any](hook string, call func() (T, error)) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			what := fmt.Sprintf("%T", p)
			if broken, ok := p.(runtime.Error); ok {
				what = broken.Error()
			}
			stack := debug.Stack()
			err = &HookError{Hook: hook, What: what, Stack: stack[:min(len(stack), maxStack)]}
		}
	}()
	return call()
}

func (s *Sender) lookup(ctx context.Context, tenant, target string) (Endpoint, error) {
	return guard("Lookup", func() (Endpoint, error) { return s.Lookup(ctx, tenant, target) })
}

func (s *Sender) gone(ctx context.Context, tenant, target string) error {
	if s.Gone == nil {
		return nil
	}
	_, err := guard("Gone", func() (struct{}, error) { return struct{}{}, s.Gone(ctx, tenant, target) })
	return err
}
