package webhook

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// names is a resolver that a tenant has under control: it answers every question
// about an IPv4 address by the next of these, the last one for ever.
type names struct {
	mu        sync.Mutex
	addresses []string
	asked     int
	servers   sync.WaitGroup
}

func (n *names) resolver(t *testing.T) *net.Resolver {
	t.Cleanup(n.servers.Wait)
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe() // no PacketConn: as DNS over TCP, each message after its length
		n.servers.Go(func() {
			defer theirs.Close()
			for n.answer(theirs) == nil {
			}
		})
		return ours, nil
	}}
}

// answer reads one question and answers it.
func (n *names) answer(c net.Conn) error {
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return err
	}
	q := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, q); err != nil {
		return err
	}
	end := 12 + slices.Index(q[12:], 0) + 5 // of the question: labels, a 0, type and class
	m := slices.Clone(q[:end])
	m[2], m[3] = 0x84, 0                        // an authoritative response
	copy(m[4:], []byte{0, 1, 0, 0, 0, 0, 0, 0}) // to one question
	if q[end-3] == 1 {                          // about A
		m[7] = 1
		m = append(m, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4) // the name in question, A, IN, no life, 4 bytes
		m = append(m, n.next()...)
	}
	_, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
	return err
}

func (n *names) next() []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := netip.MustParseAddr(n.addresses[min(n.asked, len(n.addresses)-1)])
	n.asked++
	return a.AsSlice()
}

// local is a server on the loopback interface, which stands for the internet where
// AllowAddr says so. No connection is kept, so that each call dials.
func local(t *testing.T, handler http.HandlerFunc) (server *httptest.Server, port string) {
	server = httptest.NewUnstartedServer(handler)
	server.Config.SetKeepAlivesEnabled(false)
	server.Start()
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return server, u.Port()
}

// onlyLocal lets 127.0.0.1 stand for an address of the internet.
func onlyLocal(a netip.AddrPort) bool { return a.Addr() == netip.MustParseAddr("127.0.0.1") }

func TestG1_ANameThatLeadsInsideIsNotCalled(t *testing.T) {
	for _, inside := range []string{"127.0.0.1", "10.0.0.1", "169.254.169.254", "100.100.100.200", "168.63.129.16", "0.0.0.0"} {
		n := &names{addresses: []string{inside}}
		s := &Sender{AllowHTTP: true, Resolver: n.resolver(t), Lookup: fixed("http://evil.example:8080/", shared)}
		_, err := s.Deliver(t.Context(), job())
		if verdict(err) != "permanent" || !errors.Is(err, ErrAddress) || err.Error() != "webhook: evil.example:8080: its address is not allowed" {
			t.Errorf("%s: %v", inside, err)
		}
		if n.asked == 0 {
			t.Error("the resolver was not asked")
		}
	}
}

// TestG1_RebindingIsSeen: what a name said for the attempt before, or for the hop
// before, doesn't matter.
func TestG1_RebindingIsSeen(t *testing.T) {
	calls := 0
	_, port := local(t, func(http.ResponseWriter, *http.Request) { calls++ })
	n := &names{addresses: []string{"127.0.0.1", "127.0.0.2"}}
	s := &Sender{AllowHTTP: true, AllowAddr: onlyLocal, Resolver: n.resolver(t), Lookup: fixed("http://rebind.example:"+port+"/", shared)}
	if _, err := s.Deliver(t.Context(), job()); err != nil {
		t.Errorf("the first: %v", err)
	}
	if _, err := s.Deliver(t.Context(), job()); verdict(err) != "permanent" || !errors.Is(err, ErrAddress) {
		t.Errorf("the second: %v", err)
	}
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

func TestG1_ARedirectWhoseNameWasReboundIsNotFollowed(t *testing.T) {
	calls := 0
	_, port := local(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Location", "/latest/meta-data")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	n := &names{addresses: []string{"127.0.0.1", "169.254.169.254"}}
	s := &Sender{AllowHTTP: true, AllowAddr: onlyLocal, Resolver: n.resolver(t), Lookup: fixed("http://rebind.example:"+port+"/", shared)}
	if _, err := s.Deliver(t.Context(), job()); verdict(err) != "permanent" || !errors.Is(err, ErrAddress) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestG1_AddressesInURLsAreNotCalled(t *testing.T) {
	for _, host := range []string{
		"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "10.0.0.1", "169.254.169.254", "[fd00:ec2::254]",
		"[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[::127.0.0.1]", "0.0.0.0", "[::]",
	} {
		if strings.HasPrefix(host, "[") && !hasIPv6() {
			continue // no socket to ask about; TestG1_NoAddressButOfTheInternetIsDialled has them
		}
		s := &Sender{Lookup: fixed("https://"+host+":8443/", shared)}
		if _, err := s.Deliver(t.Context(), job()); verdict(err) != "permanent" || !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// TestG1_AProxyOfTheEnvironmentIsNotAsked: it would look names up itself, inside.
// (net/http reads the environment once per process, so that to set it here proves
// nothing.)
func TestG1_AProxyOfTheEnvironmentIsNotAsked(t *testing.T) {
	if new(Sender).transport().Proxy != nil {
		t.Error("the transport has a proxy")
	}
}

// TestHTTPSIsVerified, by the roots of Sender.TLS where there are any.
func TestHTTPSIsVerified(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 {
			t.Errorf("spoke %s", r.Proto)
		}
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = quiet
	server.StartTLS()
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "https://"), ":")
	for name, c := range map[string]struct {
		sender *Sender
		host   string
		want   string
	}{
		"its own root":     {&Sender{TLS: roots(server)}, "example.com", ""}, // a name of httptest's certificate
		"the system's":     {&Sender{}, "example.com", "its certificate is of an unknown authority"},
		"for another name": {&Sender{TLS: roots(server)}, "receiver.example", "its certificate is for another name"},
	} {
		n := &names{addresses: []string{"127.0.0.1"}}
		c.sender.AllowAddr, c.sender.Resolver, c.sender.Lookup = onlyLocal, n.resolver(t), fixed("https://"+c.host+":"+port, shared)
		_, err := c.sender.Deliver(t.Context(), job())
		c.sender.CloseIdleConnections()
		var f *Failure
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &f) || f.Reason != c.want || verdict(err) != "again") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func roots(server *httptest.Server) *tls.Config {
	return server.Client().Transport.(*http.Transport).TLSClientConfig
}

// hasIPv6 reports whether the system makes sockets of IPv6 at all.
func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::]:0")
	if err == nil {
		_ = l.Close()
	}
	return err == nil
}
