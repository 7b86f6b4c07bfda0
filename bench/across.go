package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// producers are those that another process can be asked to send by.
var producers = map[string]database{
	leatFull.name:   leatOnFile,
	rawFull.name:    raw,
	goqiteFull.name: goqiteRunner,
	riverFull.name:  riverDefault,
	riverQuick.name: riverTuned,
}

// fromAfar is d with its producer in another process: this program again, which
// hands over a job for each byte that it reads.
func (d database) fromAfar(name string) database {
	return func(path string) (carrier, error) {
		c, err := d(path)
		if err != nil {
			return carrier{}, err
		}
		tell, ended, err := startProducer(name, path)
		if err != nil {
			c.close()
			return carrier{}, err
		}
		inner := c.close
		c.send = func() error {
			_, err := tell.Write([]byte{'.'})
			return err
		}
		c.sendAll = nil
		c.close = func() {
			tell.Close()
			if err := ended(); err != nil { // it has said why
				fmt.Fprintln(os.Stderr, "bench: the producer of", name, "ended:", err)
			}
			inner()
		}
		return c, nil
	}
}

// startProducer returns when the other process is ready.
func startProducer(name, path string) (tell io.WriteCloser, ended func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(context.Background(), self, "-produce", name+"="+path)
	cmd.Stderr = os.Stderr
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		return nil, nil, err
	}
	if _, err := bufio.NewReader(out).ReadByte(); err != nil {
		in.Close()
		return nil, nil, errors.Join(err, cmd.Wait())
	}
	return in, cmd.Wait, nil
}

// produceOnDemand is what the other process does.
func produceOnDemand(what string) error {
	name, path, _ := strings.Cut(what, "=")
	d, known := producers[name]
	if !known {
		return fmt.Errorf("no producer %q", name)
	}
	c, err := d(path)
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := os.Stdout.Write([]byte{'.'}); err != nil {
		return err
	}
	for wish := make([]byte, 1); ; {
		switch _, err := os.Stdin.Read(wish); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := c.send(); err != nil {
			return err
		}
	}
}
