package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/support-go/support"
	"github.com/support-go/support/accept"
	"github.com/support-go/support/admit"
)

// work is a handler whose requests each take so many rounds of hashing after a
// wait, or what they ask for: a multiple of that, another wait.
func work(rounds int, pause time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rounds, pause := rounds, pause
		if r.URL.RawQuery != "" {
			asked := r.URL.Query()
			times, err := strconv.ParseFloat(asked.Get("times"), 64)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			rounds = int(times * float64(rounds))
			pause, _ = time.ParseDuration(asked.Get("pause")) // none is none
		}
		time.Sleep(pause)
		hash(rounds)
		_, _ = io.WriteString(w, "ok") // fails if the client has gone
	})
}

// serve is a server of a kind at an address.
func serve(kind, addr, proto string, handler http.Handler) error {
	var config *tls.Config
	if proto != plain {
		certificate, err := makeCertificate()
		if err != nil {
			return err
		}
		config = &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}}
	}
	if workers, ours := map[string]int{"support": 0, "workers": 2}[kind]; ours {
		return serveGroup(addr, handler, workers, config)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if kind == "accept and admit" {
		return serveParts(ln, handler, config)
	}
	return peer(kind, ln, handler, config)
}

func serveGroup(addr string, handler http.Handler, workers int, config *tls.Config) error {
	group := support.New("bench")
	group.Log = slog.New(slog.DiscardHandler)
	group.Workers = workers
	group.Dir = os.Getenv("BENCH_DIR")
	group.Limits.Orphan = -1 // go with the supervisor
	server := group.HTTP(addr, handler)
	server.TLS = config
	server.Overload.Class = admit.Prefixes{"/critical": admit.Critical, "/sheddable": admit.Sheddable}.Class
	return group.Run(context.Background())
}

// serveParts uses the two packages without a group.
func serveParts(ln net.Listener, handler http.Handler, config *tls.Config) error {
	log := slog.New(slog.DiscardHandler)
	gate := admit.New(admit.Limits{}, nil, log)
	queue := accept.NewQueue(ln, accept.Limits{Room: gate.Room}, nil, log)
	server := &http.Server{Handler: gate.Handler(handler, admit.Policy{}), ReadHeaderTimeout: 10 * time.Second, TLSConfig: config}
	queue.Hook(server)
	return serveOn(server, queue)
}

func serveOn(server *http.Server, ln net.Listener) error {
	if server.TLSConfig != nil {
		return server.ServeTLS(ln, "", "")
	}
	return server.Serve(ln)
}

// makeCertificate makes one for this process only.
func makeCertificate() (certificate tls.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func hash(rounds int) {
	var block [1 << 10]byte
	for range rounds {
		sum := sha256.Sum256(block[:])
		copy(block[:], sum[:])
	}
}

// calibrate is how many rounds take d, the least of several tries, as the
// others are those in which somebody else ran.
func calibrate(d time.Duration) int {
	const rounds = 2000
	least := time.Hour
	for range 50 {
		start := time.Now()
		hash(rounds)
		least = min(least, time.Since(start))
	}
	return int(float64(rounds) * float64(d) / float64(least))
}

// environment is that of a server which is told how many Ps to have; 0 for what
// Go chooses.
func environment(procs int, dir string) []string {
	env := append(os.Environ(), "BENCH_DIR="+dir)
	if procs > 0 {
		env = append(env, "GOMAXPROCS="+strconv.Itoa(procs))
	}
	return env
}
