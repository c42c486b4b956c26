package offload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
)

func FuzzServe(f *testing.F) {
	var request bytes.Buffer
	out := newSender(&request)
	for _, m := range []message{{Kind: start, Serial: 1, Function: "echo", Body: []byte("x")}, {Kind: cancel, Serial: 1}, {Kind: start, Function: "none"}} {
		if err := out.send(m); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(request.Bytes())
	f.Add([]byte{0xff, 0xff, 0xff})
	p := &Process{Name: "fuzz", Log: slog.New(slog.DiscardHandler)}
	Register(p, "echo", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })
	p.init()
	f.Fuzz(func(_ *testing.T, requests []byte) {
		_ = p.serve(bytes.NewReader(requests), io.Discard)
	})
}

// FuzzReplies is what a helper says, which may be broken.
func FuzzReplies(f *testing.F) {
	var replies bytes.Buffer
	out := newSender(&replies)
	for _, m := range []message{{Kind: hello}, {Kind: alive}, {Kind: succeeded, Serial: 1, Body: []byte("x")}, {Kind: failed, Ended: 99}, {Kind: 99}} {
		if err := out.send(m); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(replies.Bytes())
	f.Add([]byte{0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, replies []byte) {
		h := &helper{in: newReceiver(bytes.NewReader(replies), 1<<20)}
		for {
			m, err := h.hear()
			if err != nil {
				return
			}
			if _, err := m.result("f"); err == nil && m.Kind != succeeded {
				t.Errorf("a message of kind %d is a success", m.Kind)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	type value struct {
		Name string
		Sub  []map[string]*value
	}
	body, err := encode(value{"a", []map[string]*value{{"b": {Name: "c"}}}}, 1<<20)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := decode[value](body)
		if err != nil {
			return
		}
		again, err := encode(v, 1<<30)
		if err != nil && !errors.Is(err, errDeep) {
			t.Fatalf("what has been decoded cannot be encoded: %v", err)
		}
		if err == nil {
			if _, err := decode[value](again); err != nil {
				t.Errorf("what has been encoded cannot be decoded: %v", err)
			}
		}
	})
}

// TestWire has one end send what the other then reads.
func TestWire(t *testing.T) {
	sent := []message{
		{Kind: hello}, {Kind: start, Serial: 1, Function: "f", Body: make([]byte, 3<<20)}, {Kind: cancel, Serial: 1}, {Kind: panicked, Text: "oh", Stack: []byte("f")},
	}
	var pipe bytes.Buffer
	out, in := newSender(&pipe), newReceiver(&pipe, 3<<20)
	for _, m := range sent {
		if err := out.send(m); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range sent {
		if got, err := in.receive(); err != nil || fmt.Sprint(got) != fmt.Sprint(m) {
			t.Errorf("received %d bytes of kind %d, %v", len(got.Body), got.Kind, err)
		}
	}
	if _, err := in.receive(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v, want io.EOF", err)
	}
	if err := out.send(message{Body: make([]byte, 5<<20)}); err != nil {
		t.Fatal(err)
	}
	if _, err := in.receive(); !errors.Is(err, errWire) {
		t.Errorf("a message that is too long: %v, want %v", err, errWire)
	}
}

func TestUnknownFunction(t *testing.T) {
	s := &server{process: new(Process), replies: newSender(io.Discard)}
	if _, err := s.call(t.Context(), message{Function: "none"}); err == nil || !strings.Contains(err.Error(), "register") {
		t.Errorf("got %v, want what to do", err)
	}
}
