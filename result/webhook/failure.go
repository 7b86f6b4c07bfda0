package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"github.com/leat-go/leat/worker"
)

// Failure is a call-back that didn't arrive, or was refused. It says who and why in
// words of its own: those of the network may quote the URL's query, or what the
// receiver sent.
type Failure struct {
	Host   string // and port, if the URL has one
	Status int    // of the answer; 0 = there was none
	Reason string // why there was none

	err error
}

func (f *Failure) Error() string {
	if f.Status == 0 {
		return "webhook: " + f.Host + ": " + f.Reason
	}
	text := "webhook: " + f.Host + " answered " + strconv.Itoa(f.Status)
	if name := http.StatusText(f.Status); name != "" {
		text += " " + name
	}
	return text
}

// Unwrap is ErrAddress or context.DeadlineExceeded, if it was that.
func (f *Failure) Unwrap() error { return f.err }

// failure is what became of a request without an answer. What ended ctx itself is
// the worker's to say.
func failure(ctx context.Context, host string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	f := &Failure{Host: host, Reason: reason(err)}
	switch {
	case errors.Is(err, ErrAddress):
		f.err = ErrAddress
		return worker.Permanent(f)
	case errors.Is(err, context.DeadlineExceeded):
		f.err = context.DeadlineExceeded
	}
	return f
}

func reason(err error) string {
	if why := certificate(err); why != "" {
		return why
	}
	var (
		dns     *net.DNSError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		network net.Error
	)
	switch {
	case errors.Is(err, ErrAddress):
		return "its address is not allowed"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "there is no such host"
	case errors.As(err, &network) && network.Timeout(): // the context's, too
		return "timed out"
	case dns != nil:
		return "its name can't be looked up"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused the connection"
	case errors.As(err, &record), errors.As(err, &alert):
		return "doesn't speak TLS as we do"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed the connection before it answered"
	}
	return "gave no answer in HTTP"
}

// certificate says what is wrong with one, if something is.
func certificate(err error) string {
	var (
		bad  *tls.CertificateVerificationError
		name x509.HostnameError
		root x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &name):
		return "its certificate is for another name"
	case errors.As(err, &root):
		return "its certificate is of an unknown authority"
	case errors.As(err, &bad):
		return "its certificate is not valid"
	}
	return ""
}
