package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// Status asks a program for its state, as one JSON object over HTTP.
type Status struct {
	URL string // required
	// Want holds what members of the object must be for the program to be at
	// rest, as they print, such as "phase": "serving". Empty: anything will do.
	Want map[string]string
	// Grows names a member that is a number and grows with each reload. Without
	// it, the state before the program has noticed a signal may be taken for
	// the state after it.
	Grows string
}

// statusTimeout bounds one question.
const statusTimeout = 5 * time.Second

// Signal returns an Act that sends a signal to the root and, unless settled is
// nil, waits until settled returns nil; it is asked again and again. settled
// is called once before the signal as well, and with after false then, to note
// what it has to compare with.
func Signal(sig os.Signal, settled func(ctx context.Context, after bool) error) Act {
	return func(ctx context.Context, tree *Tree, _ int) error {
		if settled != nil {
			if err := settled(ctx, false); err != nil {
				return fmt.Errorf("before %v: %w", sig, err)
			}
		}
		if err := tree.Signal(sig); err != nil || settled == nil {
			return err
		}
		return Await(ctx, tree, func(ctx context.Context) error { return settled(ctx, true) })
	}
}

// Settled returns a condition for Signal. It belongs to one scenario.
func (s Status) Settled() func(ctx context.Context, after bool) error {
	var before float64
	return func(ctx context.Context, after bool) error {
		state, err := s.Get(ctx)
		if err != nil {
			return err
		}
		count, err := s.count(state)
		if err != nil {
			return err
		}
		if !after {
			before = count
			return nil
		}
		if s.Grows != "" && count <= before {
			return fmt.Errorf("%s has not grown beyond %v", s.Grows, before)
		}
		return s.atRest(state)
	}
}

// Get fetches the state.
func (s Status) Get(ctx context.Context) (state map[string]any, err error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return nil, fmt.Errorf("scenario: status: %w", err)
	}
	// A connection of its own each time: the server may be replaced between.
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("scenario: status: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if err := json.NewDecoder(resp.Body).Decode(&state); err != nil {
		return nil, fmt.Errorf("scenario: status: %s from %s: %w", resp.Status, s.URL, err)
	}
	return state, nil
}

func (s Status) count(state map[string]any) (float64, error) {
	if s.Grows == "" {
		return 0, nil
	}
	n, ok := state[s.Grows].(float64)
	if !ok {
		return 0, fmt.Errorf("scenario: status: %s is %v, not a number", s.Grows, state[s.Grows])
	}
	return n, nil
}

func (s Status) atRest(state map[string]any) error {
	for member, want := range s.Want {
		if got := fmt.Sprint(state[member]); got != want {
			return fmt.Errorf("%s is %q, not yet %q", member, got, want)
		}
	}
	return nil
}
