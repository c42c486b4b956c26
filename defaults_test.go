package support

import (
	"net/http"
	"testing"
	"time"
)

// TestHTTPDefaults reads what net/http has been told: nobody wants to wait 75
// seconds for a proof.
func TestHTTPDefaults(t *testing.T) {
	tests := map[string]struct {
		limits       HTTP
		header, idle time.Duration
		bytes        int
		streams      int
	}{
		"zero": {HTTP{}, 10 * time.Second, 75 * time.Second, 64 << 10, 100},
		"set":  {HTTP{HeaderTimeout: 1, IdleTimeout: 2, HeaderBytes: 3, Streams: 4}, 1, 2, 3, 4},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := &Server{Handler: http.NotFoundHandler(), HTTP: test.limits}
			_, p := newProcess(New("defaults"), nil, nil, nil, nil)
			h := newHTTP(p, s, nil)
			for which, server := range map[string]*http.Server{"server": &h.server, "companion": &h.companion} {
				if server.ReadHeaderTimeout != test.header || server.IdleTimeout != test.idle ||
					server.MaxHeaderBytes != test.bytes || server.HTTP2.MaxConcurrentStreams != test.streams {
					t.Errorf("%s: got %v, %v, %d bytes, %d streams; want %v, %v, %d, %d", which,
						server.ReadHeaderTimeout, server.IdleTimeout, server.MaxHeaderBytes, server.HTTP2.MaxConcurrentStreams,
						test.header, test.idle, test.bytes, test.streams)
				}
				if server.ReadTimeout != 0 || server.WriteTimeout != 0 {
					t.Errorf("%s: a body may take %v and an answer %v; want no bounds", which, server.ReadTimeout, server.WriteTimeout)
				}
			}
		})
	}
}

func TestDrainDefaults(t *testing.T) {
	tests := map[string]struct{ drain, want Drain }{
		"zero":                       {Drain{}, Drain{LameDuck: 5 * time.Second, Grace: 30 * time.Second}},
		"lame duck longer than life": {Drain{LameDuck: time.Hour, Grace: time.Second}, Drain{LameDuck: time.Second, Grace: time.Second}},
		"set":                        {Drain{Delay: 1, LameDuck: 2, Grace: 3}, Drain{Delay: 1, LameDuck: 2, Grace: 3}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.drain.withDefaults(); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
