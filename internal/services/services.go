// Package services starts the servers that tests need and that are programs of
// their own. Where one can't be had, the test is skipped, and says how to get it;
// with LEAT_SERVICES=required, as in CI, it fails instead. `make services`
// installs them all and runs the tests that use them.
//
//	LEAT_DYNALITE  the program dynalite, a DynamoDB (npm, 4.0.0)
package services

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// program is what the environment names, or the test ends here.
func program(t testing.TB, env string) string {
	t.Helper()
	path := os.Getenv(env)
	if path != "" {
		return path
	}
	missing := fmt.Sprintf("%s doesn't name a program: make services installs it and runs this test", env)
	if os.Getenv("LEAT_SERVICES") == "required" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// start runs a program until the test ends, and returns when a line of its
// output holds ready.
func start(t testing.TB, ready, path string, args ...string) {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	lines := bufio.NewScanner(out)
	found, read := make(chan bool, 1), make(chan struct{})
	go func() {
		defer close(read)
		for told := false; lines.Scan(); {
			if !told && strings.Contains(lines.Text(), ready) {
				told = true
				found <- true
			}
		}
		close(found)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-read
		cmd.Wait()
	})
	if !<-found {
		t.Fatalf("%s ended before it said %q", path, ready)
	}
}

// port is free on this machine, or was a moment ago.
func port(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
