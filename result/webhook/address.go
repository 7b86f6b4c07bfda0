package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"code.dny.dev/ssrf"
)

// ErrAddress says that a target's name led to an address that is not of the public
// internet (private, loopback, link-local, shared, multicast, documentation, one
// that embeds an IPv4 address, a cloud's metadata service), or to a well-known port
// other than 80 and 443. Nothing was sent there.
var ErrAddress = errors.New("webhook: the address is not allowed")

// public takes the addresses of the internet: all of the registries of IANA but
// those for special purposes, which the library keeps.
var public = ssrf.New(
	ssrf.WithAnyPort(),
	ssrf.WithDeniedV4Prefixes(netip.MustParsePrefix("168.63.129.16/32")), // Azure's host: public, but it speaks to the machine itself
)

// control is asked with the very address that the system is about to connect to,
// when names have been looked up: what a name said before doesn't matter.
func (s *Sender) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !s.allows(netip.AddrPortFrom(to.Addr().Unmap(), to.Port())) {
		return fmt.Errorf("%w: %s %s", ErrAddress, network, address)
	}
	return nil
}

// allows is called by the transport's goroutines, where a panic ends the process.
func (s *Sender) allows(to netip.AddrPort) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	if s.AllowAddr != nil && s.AllowAddr(to) {
		return true
	}
	return webPort(to.Port()) && public.SafeAddr(to.Addr()) == nil
}

// webPort keeps call-backs from speaking to mail servers and their like, which
// take commands from between the lines.
func webPort(p uint16) bool { return p == 80 || p == 443 || p >= 1024 }
