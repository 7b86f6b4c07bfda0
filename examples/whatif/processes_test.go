package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// programArgs has a copy of this test program be the program itself, to be killed.
const programArgs = "LEAT_WHATIF_ARGS"

func TestMain(m *testing.M) {
	if args := os.Getenv(programArgs); args != "" {
		f, err := parse(strings.Split(args, "\n"), os.Stderr)
		if err == nil {
			err = f.play(context.Background(), os.Stdout, os.Stderr)
		}
		if err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// told runs the program, and returns what it sums up.
func told(t *testing.T, args []string) map[string]float64 {
	t.Helper()
	var out, live bytes.Buffer
	f, err := parse(args, &live)
	if err == nil {
		err = run(t.Context(), f, &out, &live)
	}
	fatal(t, err)
	var line map[string]float64
	fatal(t, json.Unmarshal(out.Bytes(), &line))
	t.Log(out.String())
	if line["accepted"] == 0 || line["accepted"] != line["ready_events"] || line["succeeded"] != line["writebacks"] || line["lost"]+line["duplicated"]+line["dead"] != 0 {
		t.Error("a promise was not kept once")
	}
	return line
}

// players adds who plays: three partners of the sample, or with LEAT_DATA all of the
// real files in that folder.
func players(args []string, speed string) []string {
	data := os.Getenv("LEAT_DATA")
	if data == "" {
		return append(args, "-partners", "3", "-speed", speed)
	}
	return append(args, "-demand", filepath.Join(data, "online_retail_weekly_demand.csv"),
		"-arrivals", filepath.Join(data, "online_retail_arrivals.csv"))
}

// killing is a part of the story that is killed so many times after so long a life, and
// started again each time.
type killing struct {
	args  []string
	kills int
	life  time.Duration
}

// kill runs the part until told to end, and returns how often it was killed before. The
// last one is left alone.
func (k killing) kill(t *testing.T, ended <-chan struct{}) (n int) {
	for over := false; !over; {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), programArgs+"="+strings.Join(k.args, "\n"))
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Error(err)
			return n
		}
		var spent <-chan time.Time
		if n < k.kills {
			spent = time.After(k.life)
		}
		select {
		case <-spent:
			n++
		case <-ended:
			over = true
		}
		cmd.Process.Kill()
		cmd.Wait()
	}
	return n
}

// during has parts killed while the story is told.
func during(t *testing.T, story func(), parts ...killing) {
	ended := make(chan struct{})
	killed := make(chan int, len(parts))
	want := 0
	for _, k := range parts {
		want += k.kills
		go func() { killed <- k.kill(t, ended) }()
	}
	defer func() { // also if the story fails
		close(ended)
		n := 0
		for range parts {
			n += <-killed
		}
		if n < want {
			t.Errorf("only %d parts were killed, of %d", n, want)
		}
	}()
	story()
}

// kills is how many workers are killed: three, or LEAT_KILLS.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("LEAT_KILLS")); err == nil {
		return n
	}
	return 3
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "localhost:0")
	fatal(t, err)
	defer l.Close()
	return l.Addr().String()
}
