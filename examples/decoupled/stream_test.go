package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// watch asks a question of 24 products, two at a time, and opens its stream.
func (s *stage) watch() (io.ReadCloser, *http.Transport) {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	network := s.transport()
	client := &http.Client{Transport: network, Jar: jar}
	ask := func(method, path, body string) *http.Response {
		s.t.Helper()
		r, err := http.NewRequestWithContext(s.t.Context(), method, "http://portal"+path, strings.NewReader(body))
		if err != nil {
			s.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(r)
		if err != nil {
			s.t.Fatal(err)
		}
		return answer
	}
	ask("GET", "/", "").Body.Close()
	asked := ask("POST", "/jobs", `{"title":"Long","products":24,"serviceLevel":95}`)
	asked.Body.Close()
	stream := ask("GET", asked.Header.Get("Location")+"/events", "")
	if stream.StatusCode != http.StatusOK {
		s.t.Fatal(stream.Status)
	}
	return stream.Body, network
}

// One stream lives until the end, longer than the server lets anybody write.
func TestAStreamOutlivesTheTimeoutsOfTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := memory()
		f.pace = 6 * time.Second
		s := newStage(t, f)
		begun := time.Now()
		stream, network := s.watch()
		last := ""
		for lines := bufio.NewScanner(stream); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				last = data
			}
		}
		if !strings.Contains(last, `"state":"succeeded"`) || time.Since(begun) < 72*time.Second {
			t.Errorf("after %v the last event is %s", time.Since(begun), last)
		}
		stream.Close()
		network.CloseIdleConnections()
		s.end()
		s.close()
	})
}

// Who watches keeps no service from stopping.
func TestStreamsEndWhenTheServiceStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := memory()
		f.pace = 6 * time.Second
		s := newStage(t, f)
		stream, network := s.watch()
		time.Sleep(time.Second) // virtual
		ended := make(chan error, 1)
		go func() {
			_, err := io.Copy(io.Discard, stream)
			ended <- err
		}()
		begun := time.Now()
		s.end()
		if took := time.Since(begun); took > grace+2*time.Second {
			t.Errorf("it took %v", took)
		}
		if err := <-ended; err != nil {
			t.Errorf("the stream broke: %v", err)
		}
		stream.Close()
		network.CloseIdleConnections()
		s.close()
	})
}
