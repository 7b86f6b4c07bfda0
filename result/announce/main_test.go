package announce

import (
	"testing"

	"go.uber.org/goleak"
)

// A Subscription of gocloud.dev v0.47.0 that is shut down while it holds a
// prefetched batch leaves a goroutine behind. Only tests have one here.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("gocloud.dev/pubsub.(*Subscription).Receive.func2"))
}
