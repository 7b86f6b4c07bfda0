package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// role makes a process of this test binary do something else than its tests; path is
// the file that it does it on.
const (
	role = "LEAT_SQLITE_ROLE"
	path = "LEAT_SQLITE_FILE"
)

// roles are what child processes do.
var roles = map[string]func(ctx context.Context, path string){}

func TestMain(m *testing.M) {
	if run := roles[os.Getenv(role)]; run != nil {
		run(context.Background(), os.Getenv(path))
		return
	}
	goleak.VerifyTestMain(m)
}

// child is a process in a role, with another command in front of it where one is
// given. It is killed after a minute.
func child(t *testing.T, as, file string, before ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	args := append(before, os.Args[0])
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), role+"="+as, path+"="+file)
	cmd.WaitDelay = time.Second
	return cmd
}

// said is what a child said, line by line. It must end well.
func said(t *testing.T, cmd *exec.Cmd) []string {
	t.Helper()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("child: %v\n%s\n%s", err, out, cmd.Stderr)
	}
	var lines []string
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}
