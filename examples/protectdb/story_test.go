package main

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leat-go/leat/internal/services"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// play runs the story and returns its line.
func play(t *testing.T, f flags) report {
	t.Helper()
	f.json, f.within = true, 2*time.Minute
	var out bytes.Buffer
	if err := run(t.Context(), f, &out); err != nil {
		t.Fatal(err, out.String())
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r report) expect(t *testing.T, hits, connections int) {
	t.Helper()
	if r.Hits != hits || r.Requests >= hits || r.Lost+r.Duplicated+r.Foreign+r.Denied != 0 || r.Connections != connections || r.Peak > connections {
		t.Errorf("%+v", r)
	}
	if r.DeadLetters != (r.Requests-8)/fifty+1 || r.Redriven != r.DeadLetters {
		t.Errorf("%d dead letters of %d requests, redriven %d", r.DeadLetters, r.Requests, r.Redriven)
	}
}

func TestTheStory(t *testing.T) {
	for name, at := range map[string]string{
		"memory": "memory://?queue=orders",
		"SQLite": "sqlite://" + filepath.Join(t.TempDir(), "orders.db") + "?queue=orders",
	} {
		t.Run(name, func(t *testing.T) {
			play(t, flags{queue: at, hits: 400}).expect(t, 400, 1)
		})
	}
}

// The server itself refuses a fifth connection.
func TestTheStoryOnMariaDB(t *testing.T) {
	at := services.URL(t, "LEAT_MARIADB")
	play(t, flags{queue: "memory://?queue=orders", db: at, hits: 2000}).expect(t, 2000, 4)
}

// What the cap is for.
func TestWithoutTheCapTheDatabaseDenies(t *testing.T) {
	if r := play(t, flags{queue: "memory://?queue=orders", hits: 60, bare: true}); r.Denied == 0 || r.Peak > 1 {
		t.Errorf("%+v", r)
	}
}

func TestBadFlagsAreRefused(t *testing.T) {
	for _, args := range []string{"-hits 0", "-hits -1", "-within 0s", "-within -1s", "extra", "-hits many"} {
		if _, err := parse(strings.Fields(args), io.Discard); err == nil {
			t.Errorf("%s: no error", args)
		}
	}
	for db, want := range map[string]string{
		"oracle://x": "scheme", "mysql://root:s3cret@%zz/": "parsed", "postgres://u:s3cret@[::1/": "parsed",
	} {
		err := run(t.Context(), flags{queue: "memory://?queue=orders", db: db, hits: 10, within: time.Minute}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", db, err)
		}
	}
}

// A deadline that comes too soon is told, with what is left; nothing hangs.
func TestADeadlineThatIsTooSoon(t *testing.T) {
	err := run(t.Context(), flags{queue: "memory://?queue=orders", hits: 2000, within: time.Millisecond}, io.Discard)
	if err == nil {
		t.Error("drained 2000 orders in a millisecond")
	}
}
