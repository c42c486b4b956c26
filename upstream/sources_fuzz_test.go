package upstream

import "testing"

// FuzzParseFile reads anything: what is taken makes sense.
func FuzzParseFile(f *testing.F) {
	f.Add("127.0.0.1:80\n[::1]:80 3 # heavy\n\nunix:/run/x.sock\n")
	f.Add("nonsense\n")
	f.Add("a:1 0")
	f.Add("a:1 1 1")
	f.Fuzz(func(t *testing.T, text string) {
		addresses, err := parseFile(text)
		if (err == nil) != (len(addresses) > 0) {
			t.Fatalf("%d addresses and %v", len(addresses), err)
		}
		for _, a := range addresses {
			if err := a.check(); err != nil || a.Weight < 1 {
				t.Errorf("took %+v: %v", a, err)
			}
		}
	})
}
