package webhook

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
)

// forbidden are addresses that a call-back must not reach, by what they are.
var forbidden = map[string][]string{
	"unspecified":    {"0.0.0.0", "0.1.2.3", "::"},
	"loopback":       {"127.0.0.1", "127.255.255.254", "::1"},
	"private":        {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1"},
	"link-local":     {"169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1"},
	"shared":         {"100.64.0.1", "100.127.255.255"},
	"multicast":      {"224.0.0.1", "239.1.2.3", "ff02::1", "ff0e::1"},
	"broadcast":      {"255.255.255.255", "240.0.0.1"},
	"documentation":  {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"},
	"benchmark":      {"198.18.0.1", "2001:2::1"},
	"protocols":      {"192.0.0.1", "192.88.99.1", "192.175.48.1", "2001::1", "2620:4f:8000::1"},
	"mapped IPv4":    {"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:168.63.129.16"},
	"compatible":     {"::127.0.0.1", "::10.0.0.1"},
	"translated":     {"::ffff:0:127.0.0.1"},
	"NAT64":          {"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "64:ff9b::808:808"},
	"6to4":           {"2002:7f00:1::1", "2002:a9fe:a9fe::1"},
	"Teredo":         {"2001:0:4136:e378:8000:63bf:3fff:fdd2"},
	"site-local":     {"fec0::1"},
	"segment ids":    {"5f00::1"},
	"discard":        {"100::1"},
	"AWS metadata":   {"169.254.169.254", "169.254.170.2", "169.254.169.253", "fd00:ec2::254"},
	"Alibaba":        {"100.100.100.200"},
	"Azure":          {"168.63.129.16"},
	"Oracle":         {"192.0.0.192"},
	"IPv6 unrouted":  {"4000::1", "e000::1"},
	"Google by IPv6": {"fd20:ce::254"},
}

func dialled(a netip.Addr, port uint16) string { return netip.AddrPortFrom(a, port).String() }

func TestG1_NoAddressButOfTheInternetIsDialled(t *testing.T) {
	var s Sender
	for what, all := range forbidden {
		for _, text := range all {
			for _, port := range []uint16{443, 80, 8443} {
				if err := s.control(t.Context(), "tcp", dialled(netip.MustParseAddr(text), port), nil); !errors.Is(err, ErrAddress) {
					t.Errorf("%s: %s is dialled", what, text)
				}
			}
		}
	}
	for _, text := range []string{
		"93.184.215.14", "8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "168.63.129.17", "::ffff:8.8.8.8",
		"2606:4700:4700::1111", "2a00:1450:4001::1", "2400:cb00::1",
	} {
		if err := s.control(t.Context(), "tcp", dialled(netip.MustParseAddr(text), 443), nil); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"", "example.com:443", "8.8.8.8", "8.8.8.8:x", "/var/run/docker.sock"} {
		if err := s.control(t.Context(), "unix", text, nil); !errors.Is(err, ErrAddress) {
			t.Errorf("%q is dialled", text)
		}
	}
}

func TestG1_CallBacksSpeakToNoMailServer(t *testing.T) {
	var s Sender
	for port, want := range map[uint16]bool{0: false, 22: false, 25: false, 53: false, 587: false, 1023: false, 80: true, 443: true, 1024: true, 8443: true, 65535: true} {
		if err := s.control(t.Context(), "tcp4", dialled(netip.MustParseAddr("8.8.8.8"), port), nil); (err == nil) != want {
			t.Errorf("port %d: %v", port, err)
		}
	}
}

func TestAllowAddrIsAskedAboutWhatIsDialled(t *testing.T) {
	var asked []string
	s := Sender{AllowAddr: func(a netip.AddrPort) bool {
		asked = append(asked, a.String())
		return a.Addr().IsLoopback()
	}}
	for address, want := range map[string]bool{"127.0.0.1:25": true, "[::ffff:127.0.0.1]:80": true, "10.0.0.1:80": false, "8.8.8.8:443": true} {
		if err := s.control(t.Context(), "tcp", address, nil); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
	if slices.Sort(asked); !slices.Equal(asked, []string{"10.0.0.1:80", "127.0.0.1:25", "127.0.0.1:80", "8.8.8.8:443"}) {
		t.Errorf("asked about %v", asked)
	}
}

// TestAnAllowAddrThatPanicsSaysNo, and doesn't end the process: a transport dials in
// a goroutine of its own.
func TestAnAllowAddrThatPanicsSaysNo(t *testing.T) {
	s := Sender{AllowAddr: func(netip.AddrPort) bool { panic("canary") }}
	if err := s.control(t.Context(), "tcp4", "8.8.8.8:443", nil); !errors.Is(err, ErrAddress) {
		t.Error(err)
	}
}
