package admit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/support-go/support/admit"
)

func ExampleGate() {
	gate := admit.New(admit.Limits{Running: 1, MaxWait: time.Millisecond}, nil, quiet())
	permit, err := gate.Acquire(context.Background(), admit.Default)
	fmt.Println(err)

	_, err = gate.Acquire(context.Background(), admit.Default)
	fmt.Println(err, errors.Is(err, admit.ErrShed))
	fmt.Println(gate.Decisions()[0].Reason)
	permit.Release()
	// Output:
	// <nil>
	// admit: shed: waited true
	// waited
}

func ExamplePermit() {
	gate := admit.New(admit.Limits{}, nil, nil)
	permit, err := gate.Acquire(context.Background(), admit.Critical)
	if err != nil {
		return // tell the client that the server is busy
	}
	defer permit.Release()
	fmt.Println(gate.State().Running)
	// Output: 1
}

func ExamplePrefixes() {
	prefixes := admit.Prefixes{"/": admit.Sheddable, "/pay": admit.Critical}
	fmt.Println(prefixes.Class(httptest.NewRequest("GET", "/pay/now", nil)))
	// Output: critical
}

func ExampleLimits() {
	// A handler that asks a database with ten connections: find out how many
	// requests it bears while each takes no more than 100 ms.
	gate := admit.New(admit.Limits{Latency: 100 * time.Millisecond}, nil, nil)
	fmt.Println(gate.State().Waiting)
	// Output: 0
}

func ExampleDecision() {
	gate := admit.New(admit.Limits{}, nil, quiet())
	gate.Favour(admit.Default)
	_, _ = gate.Acquire(context.Background(), admit.Sheddable)
	for _, d := range gate.Decisions() {
		fmt.Println(d.Class, "shed for", d.Reason)
	}
	// Output: sheddable shed for pressure
}

func ExampleError() {
	var err error = &admit.Error{Reason: admit.Full}
	fmt.Println(err, errors.Is(err, admit.ErrShed))
	// Output: admit: shed: full true
}
