package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
)

// clients are many who wait for something over HTTP, in a process of their own: this
// program again. Whatever they cost is not the server's.
type clients struct {
	out   io.WriteCloser
	in    *bufio.Reader
	ended func() error
}

// startClients has a client ask for each of the targets, at addr, and wait for a line
// that begins with mark, again and again.
func startClients(addr, mark string, targets []string) (*clients, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.Background(), self, "-clients", addr+"="+mark)
	cmd.Stderr = os.Stderr
	out, outErr := cmd.StdinPipe()
	in, inErr := cmd.StdoutPipe()
	if err := errors.Join(outErr, inErr, cmd.Start()); err != nil {
		return nil, err
	}
	_, err = io.WriteString(out, strings.Join(targets, "\n")+"\n\n")
	return &clients{out, bufio.NewReader(in), cmd.Wait}, err
}

// allHave returns when each client has seen one more mark.
func (c *clients) allHave() error {
	_, err := c.in.ReadByte()
	return err
}

func (c *clients) stop() error {
	c.out.Close()
	return c.ended()
}

// beClients is what the other process does, until its input ends.
func beClients(what string) error {
	addr, mark, _ := strings.Cut(what, "=")
	in := bufio.NewScanner(os.Stdin)
	var targets []string
	for in.Scan() && in.Text() != "" {
		targets = append(targets, in.Text())
	}
	var seen [8]atomic.Int64 // clients that have seen so many marks
	var all sync.WaitGroup
	conns := make([]net.Conn, len(targets))
	for i, target := range targets {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		conns[i] = c
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: bench\r\nPrefer: wait=600\r\n\r\n", target); err != nil {
			return err
		}
		all.Go(func() {
			n := 0
			for lines := bufio.NewScanner(c); lines.Scan(); {
				if !strings.HasPrefix(lines.Text(), mark) || n == len(seen) {
					continue
				}
				if seen[n].Add(1) == int64(len(targets)) {
					_, _ = os.Stdout.Write([]byte{'.'})
				}
				n++
			}
		})
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	for _, c := range conns {
		c.Close()
	}
	all.Wait()
	return err
}
