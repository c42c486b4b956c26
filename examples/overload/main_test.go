package main

import (
	"net"
	"testing"
	"time"

	"github.com/support-go/support/admit"
	"github.com/support-go/support/supporttest"
)

// TestOverload gives the program more than it can serve: it answers some, and
// tells the others.
func TestOverload(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	group := newGroup(addr, false)
	group.Admit = admit.Limits{Running: 1}
	supporttest.Start(t, group)
	answered, refused, lost := flood(addr, 800, 2*time.Second)
	if answered == 0 || refused == 0 || lost > 160 {
		t.Errorf("%d answered, %d refused, %d lost; want some of the first two, and hardly any of the last", answered, refused, lost)
	}
}
