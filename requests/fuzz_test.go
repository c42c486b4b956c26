package requests

import (
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func FuzzParseID(f *testing.F) {
	f.Add("1z141z5")
	f.Add("+5")
	f.Add("zzzzzzzzzzzzzz")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseID(text)
		if err != nil {
			return
		}
		if again, err := ParseID(id.String()); err != nil || again != id {
			t.Errorf("%q is %d, and %q %d, %v", text, id, id.String(), again, err)
		}
	})
}

func FuzzForwarded(f *testing.F) {
	f.Add("198.51.100.7, 10.0.0.2")
	f.Add("[2001:db8::1]:80,,")
	f.Add(strings.Repeat("10.1.1.1,", 1000))
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	peer := netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, header string) {
		got := forwarded(peer, []string{header}, proxies)
		if !got.IsValid() || len(clientName(got)) > maxRemote {
			t.Errorf("%q: %v", header, got)
		}
		if got := forwarded(netip.MustParseAddr("192.0.2.1"), []string{header}, proxies); got.String() != "192.0.2.1" {
			t.Errorf("%q from somebody who is not trusted: %v", header, got)
		}
	})
}

func FuzzParseStacks(f *testing.F) {
	f.Add("goroutine profile: total 1\n1 @ 0x1\n# labels: {\"request_slot\":\"1.1\"}\n#\t0x1\tmain.f+0x1\t\t/a:b/c.go:7\n\n")
	f.Add("\n# labels: {\"request_slot\":\"1.1\"}\n#\t\t\t")
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range parseStacks(text, "1.1") {
			if s.Count < 0 && !strings.Contains(text, "-") {
				t.Errorf("%q: %+v", text, s)
			}
			for _, frame := range s.Frames {
				if frame.Function == "" {
					t.Errorf("%q: %+v", text, s)
				}
			}
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("/\x1b[31m<b>", 5)
	f.Add("\xff\xfe\u202eabc", 100)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = max(1, limit%500)
		got := clean(text, limit)
		if len(got) > limit+len("…") || !utf8.ValidString(got) {
			t.Errorf("%q at %d: %q", text, limit, got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q: %q cannot be printed", text, got)
		}
	})
}

// TestTableForgetsVisits has the collector take those that the pool has let go.
func TestTableForgetsVisits(t *testing.T) {
	rec := New(Config{}, nil)
	for range 10_000 {
		rec.newVisit()
		if len(rec.visits.all)%1000 == 999 {
			runtime.GC()
		}
	}
	runtime.GC()
	if n := len(rec.visits.visits()); n > 100 {
		t.Errorf("%d of 10,000 visits are left", n)
	}
	if n := len(rec.visits.all); n > 5000 {
		t.Errorf("the table has room for %d", n)
	}
}
