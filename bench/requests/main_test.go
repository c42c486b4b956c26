package main

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// TestEachKindAnswers proves that what is compared does the same.
func TestEachKindAnswers(t *testing.T) {
	for kind := range servers {
		t.Run(kind, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			addr := ln.Addr().String()
			_ = ln.Close()
			go func() { _ = beServer(kind, addr) }() // until the test program ends
			for deadline := time.Now().Add(10 * time.Second); ; {
				resp, err := http.Get("http://" + addr + path)
				if err == nil {
					_ = resp.Body.Close()
					if resp.StatusCode != http.StatusOK {
						t.Errorf("answers %s", resp.Status)
					}
					return
				}
				if time.Now().After(deadline) {
					t.Fatal(err)
				}
			}
		})
	}
}
