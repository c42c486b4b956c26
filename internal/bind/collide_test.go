package bind_test

import (
	"testing"

	"github.com/support-go/support/internal/bind"
)

func TestCollides(t *testing.T) {
	tests := map[string]struct {
		a, b string
		want bool
	}{
		"the same":                         {"127.0.0.1:80", "127.0.0.1:80", true},
		"another port":                     {"127.0.0.1:80", "127.0.0.1:81", false},
		"another host":                     {"127.0.0.1:80", "127.0.0.2:80", false},
		"any port":                         {"127.0.0.1:0", "127.0.0.1:0", false},
		"a service's name":                 {"127.0.0.1:http", "127.0.0.1:80", true},
		"all hosts":                        {":80", "127.0.0.1:80", true},
		"all hosts, written out":           {"[::]:80", "127.0.0.1:80", true},
		"all of IPv4":                      {"0.0.0.0:80", "127.0.0.1:80", true},
		"all of IPv4, and all":             {"0.0.0.0:80", ":80", true},
		"all of IPv4, and one of IPv6":     {"0.0.0.0:80", "[::1]:80", false},
		"IPv4 in IPv6":                     {"[::ffff:127.0.0.1]:80", "127.0.0.1:80", true},
		"IPv6 in two spellings":            {"[::1]:80", "[0:0:0:0:0:0:0:1]:80", true},
		"names":                            {"localhost:80", "localhost:80", true},
		"a name and what it may stand for": {"localhost:80", "127.0.0.1:80", false},
		"unix":                             {"unix:/a/b", "unix:/a/b", true},
		"unix in two spellings":            {"unix:/a/b", "unix:/a//./c/../b", true},
		"two paths":                        {"unix:/a/b", "unix:/a/c", false},
		"no paths":                         {"unix:", "unix:", false},
		"inherited":                        {"fd:web", "fd:web", true},
		"two inherited":                    {"fd:web", "fd:api", false},
		"unix and TCP":                     {"unix:80", ":80", false},
		"malformed":                        {"80", "80", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a, b := socket(test.a), socket(test.b)
			if got := a.Collides(b); got != test.want {
				t.Errorf("%s and %s: got %v, want %v", test.a, test.b, got, test.want)
			}
			a.Network = bind.Datagram(a.Network)
			if got, want := a.Collides(b), test.want && b.Network != "tcp"; got != want {
				t.Errorf("%s for datagrams and %s: got %v, want %v", test.a, test.b, got, want)
			}
			b.Network = bind.Datagram(b.Network)
			if got := b.Collides(a); got != test.want {
				t.Errorf("%s and %s: got %v, want %v", test.b, test.a, got, test.want)
			}
		})
	}
}

func socket(listen string) bind.Socket {
	network, address := bind.Parse(listen)
	return bind.Socket{Network: network, Address: address}
}
