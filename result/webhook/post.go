package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Bounds of one attempt, beside Sender.Timeout.
const (
	connectTimeout = 5 * time.Second
	maxRedirects   = 3
	maxHeaders     = 16 << 10 // bytes of an answer's headers
	maxAnswer      = 16 << 10 // bytes that are read of its body, and dropped, so that the connection serves again
)

// post sends a call-back, and follows a few redirects on the same server. The
// error is a *Failure, or why ctx ended.
func (s *Sender) post(ctx context.Context, u *url.URL, h http.Header, body []byte) (answer, error) {
	short, cancel := context.WithTimeout(ctx, s.timeout())
	defer cancel()
	for hop := 0; ; hop++ {
		resp, err := s.transport().RoundTrip(request(short, u, h, body))
		if err != nil {
			return answer{}, failure(ctx, u.Host, err)
		}
		drop(resp)
		next := s.moved(resp, u)
		if next == nil || hop == maxRedirects {
			return answered(resp), nil
		}
		u = next
	}
}

// request is one that goes to the transport itself: no client that keeps cookies,
// sends a Referer with the query in it, or changes a POST into a GET.
func request(ctx context.Context, u *url.URL, h http.Header, body []byte) *http.Request {
	h = h.Clone()
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "leat-webhook")
	r := &http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host, Header: h,
		ContentLength: int64(len(body)),
		// A kept connection that turns out to be closed takes nothing: it is tried on another.
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	}
	r.Body, _ = r.GetBody()
	return r.WithContext(ctx)
}

// drop reads an answer to its end, if that is near. After a switch of protocols
// there is a bare connection, which no context ends.
func drop(r *http.Response) {
	if r.StatusCode != http.StatusSwitchingProtocols {
		_, _ = io.CopyN(io.Discard, r.Body, maxAnswer)
	}
	_ = r.Body.Close()
}

// moved is where a redirect leads that is followed: one that keeps method and body
// (307, 308) and stays at the server. nil = no such redirect.
func (s *Sender) moved(r *http.Response, from *url.URL) *url.URL {
	if r.StatusCode != http.StatusTemporaryRedirect && r.StatusCode != http.StatusPermanentRedirect {
		return nil
	}
	location := r.Header.Get("Location")
	to, err := from.Parse(location)
	if err != nil || location == "" {
		return nil
	}
	u, err := s.parse(to.String())
	if err != nil || origin(u) != origin(from) {
		return nil
	}
	return u
}

// transport is made at first use, and keeps a few connections.
func (s *Sender) transport() *http.Transport {
	s.once.Do(func() {
		config := s.TLS.Clone()
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		connect := s.connect
		if connect == nil {
			connect = (&net.Dialer{Timeout: connectTimeout, Resolver: s.Resolver, ControlContext: s.control}).DialContext
		}
		var only1 http.Protocols
		only1.SetHTTP1(true)
		s.http = &http.Transport{ // no Proxy: not even that of the environment
			DialContext: connect, TLSClientConfig: config, Protocols: &only1,
			TLSHandshakeTimeout: connectTimeout, MaxResponseHeaderBytes: maxHeaders, DisableCompression: true,
			MaxIdleConns: Concurrency, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second,
		}
	})
	return s.http
}

// CloseIdleConnections closes those that are kept for 30 s after their last use.
func (s *Sender) CloseIdleConnections() { s.transport().CloseIdleConnections() }
