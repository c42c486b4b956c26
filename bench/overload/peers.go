package main

import (
	"crypto/tls"
	"net"
	"net/http"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/go-kratos/aegis/ratelimit"
	"github.com/go-kratos/aegis/ratelimit/bbr"
	"github.com/zeromicro/go-zero/core/load"
	"github.com/zeromicro/go-zero/core/logx"
	"github.com/zeromicro/go-zero/core/stat"
	"github.com/zeromicro/go-zero/rest/handler"
	"golang.org/x/net/netutil"
)

// peer serves as others do, each at its defaults.
func peer(kind string, ln net.Listener, next http.Handler, config *tls.Config) error {
	switch kind {
	case "limitlistener":
		ln = netutil.LimitListener(ln, 16)
	case "go-zero":
		next = handler.SheddingHandler(load.NewAdaptiveShedder(load.WithCpuThreshold(900)), stat.NewMetrics("bench"))(next)
	case "kratos":
		next = kratos(bbr.NewLimiter(), next)
	case "failsafe":
		next = failsafehttp.NewHandler(next, adaptivelimiter.NewWithDefaults[*http.Response]()) //nolint:bodyclose // it is a type, not a response
	}
	return serveOn(&http.Server{Handler: next, TLSConfig: config}, ln) //nolint:gosec // as they are
}

// quieten keeps go-zero from writing lines about its process, which it does in
// whatever program imports it.
func quieten() {
	logx.Disable()
	stat.DisableLog()
}

// kratos does what its middleware for rate limits does.
func kratos(limiter ratelimit.Limiter, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		done, err := limiter.Allow()
		if err != nil {
			http.Error(w, "limit", http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
		done(ratelimit.DoneInfo{})
	})
}
