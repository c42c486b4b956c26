package ledger_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/support-go/support/internal/ledger"
)

func ExamplePage() {
	page := ledger.New()
	page.Accept()
	page.Accept()
	page.Begin()
	counts, _ := page.Counts()
	fmt.Println(counts.Open(), "open,", counts.Running(), "running")
	// Output: 2 open, 1 running
}

func TestLost(t *testing.T) {
	tests := map[string]struct {
		counts      ledger.Counts
		least, most uint64
	}{
		"nothing":                        {ledger.Counts{Procs: 2}, 0, 0},
		"idle connections may carry one": {ledger.Counts{Accepted: 5, Closed: 2, Procs: 2}, 0, 3},
		"running, less the processors":   {ledger.Counts{Begun: 9, Ended: 4, Accepted: 5, Procs: 2}, 3, 5},
		"fewer running than processors":  {ledger.Counts{Begun: 1, Accepted: 1, Procs: 2}, 0, 1},
		"waiting may carry one each":     {ledger.Counts{Waiting: 3, Procs: 2}, 0, 3},
		"multiplexed ones carry more":    {ledger.Counts{Accepted: 1, Room: 100, Procs: 2}, 0, 101},
		"streams share a connection":     {ledger.Counts{Begun: 10, Shared: 9, Accepted: 2, Procs: 2}, 8, 11},
	}
	for name, test := range tests {
		least, most := test.counts.Lost()
		if least != test.least || most != test.most {
			t.Errorf("%s: Lost(%+v) = %d, %d; want %d, %d", name, test.counts, least, most, test.least, test.most)
		}
	}
}

func TestCountsAreSharedThroughMemory(t *testing.T) {
	mem := aligned()
	writer, reader := on(t, mem), on(t, mem)
	if got, err := reader.Counts(); got != (ledger.Counts{}) || err != nil {
		t.Fatalf("unclaimed page: got %+v, %v; want zero, nil", got, err)
	}
	writer.Claim()
	writer.Accept()
	writer.Begin()
	writer.Stream(1)
	got, err := reader.Counts()
	if err != nil || got.Running() != 1 || got.Open() != 1 || got.Quiet() != 0 || got.Procs < 1 {
		t.Errorf("claimed page: got %+v, %v; want one streaming request on one connection", got, err)
	}
}

// TestScribbledPage is threat W6: whatever a worker writes over its page, the
// reader ends with an error or with figures in range.
func TestScribbledPage(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for range 10_000 {
		mem := aligned()
		page := on(t, mem)
		page.Claim()
		for range 1 + random.IntN(64) {
			mem[8+random.IntN(len(mem)-8)] = byte(random.Uint32())
		}
		counts, err := page.Counts()
		if errors.Is(err, ledger.ErrInvalid) {
			refused++
			continue
		}
		least, most := counts.Lost()
		if err != nil || least > most || most > 1<<58 {
			t.Fatalf("%+v gives %d to %d lost, %v", counts, least, most, err)
		}
	}
	if refused == 0 {
		t.Error("no scribbled page was refused")
	}
}

func TestForeignPage(t *testing.T) {
	mem := aligned()
	mem[0] = 7
	if _, err := on(t, mem).Counts(); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("foreign magic: got %v, want %v", err, ledger.ErrInvalid)
	}
	if _, err := ledger.On(mem[:64]); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("short memory: got %v, want %v", err, ledger.ErrInvalid)
	}
}

func TestReadingWhileCounting(t *testing.T) {
	page := ledger.New()
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 20_000 {
				page.Accept()
				page.Begin()
				page.Share(1)
				page.Share(-1)
				page.End()
				page.Close()
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for {
		if _, err := page.Counts(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
			if got, _ := page.Counts(); got.Begun != 80_000 || got.Running() != 0 || got.Open() != 0 {
				t.Errorf("at the end: got %+v, want 80000 begun and nothing left", got)
			}
			return
		default:
		}
	}
}

// aligned returns memory as a mapping would be.
func aligned() []byte {
	words := make([]uint64, ledger.Size/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), ledger.Size)
}

func on(t *testing.T, mem []byte) *ledger.Page {
	t.Helper()
	page, err := ledger.On(mem)
	if err != nil {
		t.Fatal(err)
	}
	return page
}
