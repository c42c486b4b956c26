package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	kratoshttp "github.com/go-kratos/kratos/v2/transport/http"
	"github.com/labstack/echo-contrib/echoprometheus"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/zeromicro/go-zero/core/logx"
	"github.com/zeromicro/go-zero/rest"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/support-go/support"
	"github.com/support-go/support/requests"
	"github.com/support-go/support/stats"
)

// path is what is asked for, and pattern how it is routed.
const (
	path    = "/users/17"
	pattern = "GET /users/{id}"
)

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Hello, world!") }

// mux is what most programs have.
func mux(h http.Handler) http.Handler {
	m := http.NewServeMux()
	m.Handle(pattern, h)
	return m
}

// servers are the kinds, by name.
var servers = map[string]func(addr string) error{
	"bare":     func(addr string) error { return http.ListenAndServe(addr, mux(http.HandlerFunc(hello))) },
	"base":     func(addr string) error { return careful(addr, mux(http.HandlerFunc(hello))).ListenAndServe() },
	"support":  beSupport,
	"group":    beGroup,
	"promhttp": func(addr string) error { return careful(addr, mux(promHandler())).ListenAndServe() },
	"otelhttp": func(addr string) error { return careful(addr, otelHandler()).ListenAndServe() },
	"echo":     func(addr string) error { return careful(addr, echoHandler()).ListenAndServe() },
	"kratos":   beKratos,
	"go-zero":  beGoZero,
}

func kinds() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(servers)), func(k string) bool { return k == "group" })
}

func beServer(kind, addr string) error {
	serve := servers[kind]
	if serve == nil {
		return fmt.Errorf("unknown kind %q: there are %v", kind, slices.Sorted(maps.Keys(servers)))
	}
	logx.Disable() // go-zero reports on any process that imports it
	return serve(addr)
}

// careful is net/http with the time-outs and the hook that all here have.
func careful(addr string, h http.Handler) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 75 * time.Second, MaxHeaderBytes: 64 << 10,
		ConnState: func(net.Conn, http.ConnState) {},
	}
}

func beSupport(addr string) error {
	reg := new(stats.Registry)
	go func() { _ = reg.Run(context.Background()) }()
	recorder := requests.New(requests.Config{}, reg)
	server := careful(addr, recorder.Handler(mux(http.HandlerFunc(hello))))
	recorder.Hook(server)
	return server.ListenAndServe()
}

// beGroup is everything: the ledger, the stall watch, two Ps.
func beGroup(addr string) error {
	group := support.New("bench")
	group.Log = slog.New(slog.DiscardHandler)
	group.HTTP(addr, mux(http.HandlerFunc(hello)))
	return group.Run(context.Background())
}

// promHandler has the four instruments of the client library's own example.
func promHandler() http.Handler {
	labels := []string{"code", "method"}
	buckets := prometheus.DefBuckets
	reg := prometheus.NewRegistry()
	inFlight := prometheus.NewGauge(prometheus.GaugeOpts{Name: "in_flight"})
	count := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total"}, labels)
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "seconds", Buckets: buckets}, labels)
	size := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "bytes", Buckets: buckets}, labels)
	reg.MustRegister(inFlight, count, seconds, size)
	return promhttp.InstrumentHandlerInFlight(inFlight,
		promhttp.InstrumentHandlerCounter(count,
			promhttp.InstrumentHandlerDuration(seconds,
				promhttp.InstrumentHandlerResponseSize(size, http.HandlerFunc(hello)))))
}

// otelHandler has the metrics that otelhttp records, and no traces.
func otelHandler() http.Handler {
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))
	return otelhttp.NewHandler(mux(http.HandlerFunc(hello)), "bench", otelhttp.WithMeterProvider(provider))
}

func echoHandler() http.Handler {
	e := echo.New()
	e.Use(echoprometheus.NewMiddlewareWithConfig(echoprometheus.MiddlewareConfig{Registerer: prometheus.NewRegistry()}))
	e.GET("/users/:id", func(c echo.Context) error { return c.String(http.StatusOK, "Hello, world!") })
	return e
}

func beKratos(addr string) error {
	server := kratoshttp.NewServer(kratoshttp.Address(addr))
	server.Route("/").GET("/users/{id}", func(c kratoshttp.Context) error { return c.String(http.StatusOK, "Hello, world!") })
	return server.Start(context.Background())
}

func beGoZero(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	var config rest.RestConf
	config.Name, config.Host, config.Mode = "bench", host, "pro"
	if config.Port, err = strconv.Atoi(port); err != nil {
		return err
	}
	config.MaxConns, config.MaxBytes, config.Timeout, config.CpuThreshold = 10_000, 1<<20, 3000, 900
	config.Middlewares = rest.MiddlewaresConf{
		Trace: true, Log: true, Prometheus: true, MaxConns: true, Breaker: true, Shedding: true,
		Timeout: true, Recover: true, Metrics: true, MaxBytes: true, Gunzip: true,
	}
	server, err := rest.NewServer(config)
	if err != nil {
		return err
	}
	server.AddRoute(rest.Route{Method: http.MethodGet, Path: "/users/:id", Handler: hello})
	server.Start()
	return nil
}
