package schedule_test

import (
	"context"
	"fmt"
	"time"

	"github.com/leat-go/leat/backends/memory"
	"github.com/leat-go/leat/queue"
	"github.com/leat-go/leat/queue/schedule"
)

type Report struct{ Day string }

// A report each night at half past two in Berlin: at that time on a day when clocks
// don't show it, too, and once when they show it twice.
func Example() {
	q := queue.New[Report, queue.None](memory.New(memory.Options{}), "reports")
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	nightly := schedule.New(q, "nightly")
	nightly.Cron, nightly.Location = "30 2 * * *", berlin
	nightly.Args = func(_ context.Context, t schedule.Tick) (Report, error) {
		return Report{Day: t.At.AddDate(0, 0, -1).Format(time.DateOnly)}, nil
	}
	nightly.Options = []queue.Option{queue.Priority(-1), queue.Expiry(6 * time.Hour)}
	if err := nightly.Check(); err != nil { // worker.Run(ctx, w, nightly) says the same
		panic(err)
	}

	at := time.Date(2026, 3, 28, 0, 0, 0, 0, berlin)
	for range 3 {
		t, _ := nightly.Next(at)
		fmt.Println(t.Local, "is at", t.At.Format("15:04 MST"))
		at = t.At
	}
	// Output:
	// 2026-03-28T02:30:00 is at 02:30 CET
	// 2026-03-29T02:30:00 is at 03:30 CEST
	// 2026-03-30T02:30:00 is at 02:30 CEST
}
