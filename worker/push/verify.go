package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrNoToken says that a request carries no bearer token; the answer is 401, where
// other errors of Verify are 403.
var ErrNoToken = errors.New("push: no bearer token")

// Bearer makes a Verify of a function that checks a bearer token: for Pub/Sub the OIDC
// token of the push's service account. check must hold signature, expiry, issuer,
// audience and e-mail against what is expected; with Google's library that is
//
//	push.Bearer(func(ctx context.Context, token string) error {
//		p, err := idtoken.Validate(ctx, token, "https://worker.example/push")
//		if err != nil {
//			return err
//		}
//		if p.Claims["email"] != pusher || p.Claims["email_verified"] != true {
//			return errors.New("a token of somebody else")
//		}
//		return nil
//	})
func Bearer(check func(ctx context.Context, token string) error) func(*http.Request) error {
	return func(r *http.Request) error {
		scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
		if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
			return ErrNoToken
		}
		return check(r.Context(), strings.TrimSpace(token))
	}
}

var errNoVerify = errors.New("push: Handler.Verify isn't set: every request is refused")

// verified asks Verify, whose panic is a no.
func (h *Handler) verified(r *http.Request) (err error) {
	if h.Verify == nil {
		return errNoVerify
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("push: Verify panicked: %v", p)
		}
	}()
	return h.Verify(r)
}
