package meta_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/meta"
)

// identity is a certificate for a client, signed by itself.
func identity(t *testing.T, name string) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, parsed
}

// TestPeopleWithCertificates: a viewer, an operator, and those who are nobody.
func TestPeopleWithCertificates(t *testing.T) {
	roles := map[string]meta.Role{"vera": meta.Viewer, "oskar": meta.Operator}
	f := start(t, func(h *meta.Handler) {
		h.Access = meta.Access{Who: func(r *http.Request) (meta.Person, error) {
			if len(r.TLS.VerifiedChains) == 0 {
				return meta.Person{}, errors.New("no certificate")
			}
			name := r.TLS.PeerCertificates[0].Subject.CommonName
			return meta.Person{Name: name, Role: roles[name]}, nil
		}}
	})
	server := httptest.NewUnstartedServer(f.handler)
	server.TLS = &tls.Config{ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: x509.NewCertPool()}
	certificates := make(map[string]tls.Certificate)
	for _, name := range []string{"vera", "oskar", "mallory"} {
		certificate, parsed := identity(t, name)
		certificates[name] = certificate
		server.TLS.ClientCAs.AddCert(parsed)
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	trusted := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	tests := map[string]struct{ see, act int }{"vera": {200, 403}, "oskar": {200, 403}, "mallory": {401, 401}, "": {401, 401}}
	for name, want := range tests {
		config := &tls.Config{RootCAs: trusted}
		if name != "" {
			config.Certificates = []tls.Certificate{certificates[name]}
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
		page, err := client.Get(server.URL + "/stats.json")
		if err != nil {
			t.Fatal(err)
		}
		_ = page.Body.Close()
		// Without a token a form is needed that this person was shown.
		form, err := client.PostForm(server.URL+"/do/tidy", url.Values{"how": {"well"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = form.Body.Close()
		if page.StatusCode != want.see || form.StatusCode != want.act {
			t.Errorf("%q: sees %d, acts %d; want %d, %d", name, page.StatusCode, form.StatusCode, want.see, want.act)
		}
		client.CloseIdleConnections()
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, Certificates: []tls.Certificate{certificates["oskar"]}}}}
	r, err := http.NewRequest(http.MethodGet, server.URL+"/actions?confirm=tidy", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	_, rest, _ := strings.Cut(send(t, client, r).text, `name="csrf" value="`)
	field, _, _ := strings.Cut(rest, `"`)
	if resp := post(t, client, server.URL+"/do/tidy", url.Values{"how": {"well"}, "csrf": {field}}); resp.StatusCode != http.StatusOK || len(f.done) != 1 {
		t.Errorf("the form as shown to oskar: %s, done %v", resp.Status, f.done)
	}
}
