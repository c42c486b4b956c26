package upstream_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/support-go/support/supporttest"
	"github.com/support-go/support/upstream"
)

// certificate returns one for a name, signed by itself, and the pool that
// trusts it.
func certificate(t testing.TB, name string, until time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else if name != "" {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// TestU5Verification: the original's plain TLS verified nothing.
func TestU5Verification(t *testing.T) {
	tomorrow := time.Now().Add(24 * time.Hour)
	tests := map[string]struct {
		name  string
		until time.Time
		trust bool
		want  string
	}{
		"good":       {"127.0.0.1", tomorrow, true, ""},
		"wrong name": {"elsewhere.example", tomorrow, true, "certificate"},
		"no name":    {"", tomorrow, true, "certificate"},
		"expired":    {"127.0.0.1", time.Now().Add(-time.Hour), true, "expired"},
		"wrong CA":   {"127.0.0.1", tomorrow, false, "unknown authority"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cert, pool := certificate(t, test.name, test.until)
			if !test.trust {
				_, pool = certificate(t, "127.0.0.1", tomorrow)
			}
			u := supporttest.NewUpstream(t, &tls.Config{Certificates: []tls.Certificate{cert}}, supporttest.Lines(echo))
			conf := at(u.Addr)
			conf.TLS = &tls.Config{RootCAs: pool}
			m := manager(t, "secure", conf)
			for range 3 { // the second and third over the same connection
				got, err := upstream.Call(context.Background(), m, "secure", ask)
				if test.want == "" && (got != "ping" || err != nil) {
					t.Fatalf("answer is %q, %v", got, err)
				}
				if test.want != "" {
					contains(t, err, "TLS handshake", test.want, u.Addr)
				}
			}
			if test.want != "" && u.Requests() > 0 {
				t.Error("a request has been sent")
			}
			if test.want == "" && u.Accepted() != 1 {
				t.Errorf("%d connections; want 1", u.Accepted())
			}
		})
	}
}

func TestU5TrustingAnybodyIsRefused(t *testing.T) {
	conf := at("127.0.0.1:1")
	conf.TLS = &tls.Config{InsecureSkipVerify: true}
	var m upstream.Manager
	defer m.Close()
	contains(t, m.Add("open", conf), "InsecureSkipVerify", "set RootCAs")
}

// TestU2TLSLeftOver has two answers come in one TLS record after another: what
// TLS holds of the second, the kernel does not show.
func TestU2TLSLeftOver(t *testing.T) {
	cert, pool := certificate(t, "127.0.0.1", time.Now().Add(time.Hour))
	sent := make(chan struct{}, 2)
	u := supporttest.NewUpstream(t, &tls.Config{Certificates: []tls.Certificate{cert}}, func(_ context.Context, conn net.Conn, u *supporttest.Upstream) {
		var b [5]byte
		for {
			if _, err := conn.Read(b[:]); err != nil {
				return
			}
			if u.Count() == 1 {
				_, _ = conn.Write([]byte("first\n"))
				_, _ = conn.Write([]byte("poison\n"))
				sent <- struct{}{}
				continue
			}
			_, _ = conn.Write([]byte("second\n"))
			sent <- struct{}{}
		}
	})
	conf := at(u.Addr)
	conf.TLS = &tls.Config{RootCAs: pool}
	m := manager(t, "secure", conf)
	for _, want := range []string{"first", "second"} {
		conn := get(t, m, "secure")
		if _, err := conn.Write([]byte("ping\n")); err != nil {
			t.Fatal(err)
		}
		var b [100]byte
		n, err := conn.Read(b[:])
		if got := string(b[:n]); got != want+"\n" || err != nil {
			t.Errorf("answer is %q, %v; want %q", got, err, want)
		}
		<-sent
		_ = conn.Release()
	}
}

// tlsTo returns a configuration to speak TLS with.
func tlsTo(t testing.TB) *tls.Config {
	_, pool := certificate(t, "127.0.0.1", time.Now().Add(time.Hour))
	return &tls.Config{RootCAs: pool}
}
