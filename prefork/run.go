package prefork

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/support-go/support/internal/control"
)

// Run binds the sockets, starts the processes and keeps them alive until ctx
// ends; then it stops the group and returns when all of them have gone. It
// returns an error if the configuration is wrong, a socket cannot be bound, or
// a worker reports that it cannot start before the group has ever been ready;
// later on nothing makes it give up.
//
// If workers of a supervisor that was killed still serve, Run takes over their
// sockets and tells them to drain once its own workers are ready.
func (s *Supervisor) Run(ctx context.Context) error {
	s.init()
	defer close(s.stopped)
	if err := s.Check(); err != nil {
		return err
	}
	log := s.log()
	dir, err := openDir(s.Dir, s.Name)
	if errors.Is(err, errTaken) {
		return err
	}
	if err != nil {
		log.Error("no runtime directory: serving goes on without control.sock", "error", err)
	}
	defer dir.close()
	sockets, orphans, err := s.sockets(ctx, dir)
	if err != nil {
		return err
	}
	l := s.loop(sockets, newShare())
	err = l.share.surge(s.Workers, l.state.Cycling.Memory)
	if err == nil {
		l.sys, err = newSystem(s, dir.path, l.limits, l.share, l.closing)
	}
	if err != nil {
		closeSockets(sockets)
		return err
	}
	defer l.sys.end()
	l.compareLimit(l.state.Cycling.Memory)
	if len(orphans) > 0 {
		log.Info("took over the sockets of orphaned workers", "workers", len(orphans))
	}
	stop := s.serveControl(dir, l)
	defer stop()
	running, ended := context.WithCancel(context.Background())
	defer ended()
	var dismissing sync.WaitGroup
	if len(orphans) > 0 {
		dismissing.Go(func() { dismiss(running, dir, l.ready) })
	}
	err = l.run(ctx, s.commands)
	ended()
	dismissing.Wait()
	for _, socket := range s.Sockets {
		socket.Remove()
	}
	return err
}

// loop prepares a loop that lacks nothing but a system.
func (s *Supervisor) loop(sockets []Bound, machine share) *loop {
	l := &loop{
		limits:   s.Limits.InForce(s.Workers),
		share:    machine,
		log:      s.log(),
		children: make(map[int]*child),
		events:   make(chan event),
		ready:    s.ready,
		closing:  make(chan struct{}),
		state: State{
			Name: s.Name, PID: os.Getpid(), Workers: s.Workers, Phase: GroupStarting,
			Generation: 1, Started: time.Now(), Sockets: sockets,
		},
	}
	l.defaultMark = l.limits.Cycling.Memory == 0
	l.state.Cycling = machine.marks(l.limits.Cycling, s.Workers)
	for i := range s.Workers {
		l.state.Slots = append(l.state.Slots, Slot{ID: i + 1, Role: WorkerRole})
	}
	for i, role := range s.Helpers {
		l.state.Slots = append(l.state.Slots, Slot{ID: s.Workers + 1 + i, Role: role})
	}
	return l
}

// serveControl answers on control.sock, if there is a directory for it.
func (s *Supervisor) serveControl(dir *runtimeDir, l *loop) (stop func()) {
	if dir.path == "" {
		return func() {}
	}
	ln, err := control.Listen(dir.control())
	if err != nil {
		l.log.Error("control socket cannot be opened: serving goes on without it", "error", err)
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := control.Serve(ctx, ln, s.answer); err != nil {
			l.log.Error("control socket failed: serving goes on without it", "error", err)
		}
	}()
	return func() {
		cancel()
		<-done
		_ = os.Remove(dir.control())
	}
}

// answer is what control.sock and the helpers' links can ask for.
func (s *Supervisor) answer(ctx context.Context, r control.Request) (control.Answer, error) {
	switch r.Do {
	case "status":
		state, err := s.State(ctx)
		return control.Answer{Value: state.brief()}, err
	case "reload":
		return control.Answer{Value: "reloaded"}, s.Reload(ctx)
	case "scale":
		return control.Answer{Value: "scaling"}, s.Scale(ctx, r.Workers)
	case "cycle":
		return control.Answer{Value: "cycling"}, s.Cycle(ctx, r.Slot)
	case "stop":
		return control.Answer{Value: "stopping"}, s.Stop(ctx)
	case "log-level":
		return control.Answer{Value: "logging"}, s.setLevel(r)
	}
	return control.Answer{}, fmt.Errorf("unknown command %q: there are status, reload, scale, cycle, stop and log-level", r.Do)
}

// setLevel changes what the supervisor itself logs.
func (s *Supervisor) setLevel(r control.Request) error {
	const most = 24 * 60
	switch {
	case s.SetLevel == nil:
		return errors.New("the level of this supervisor's log cannot be changed")
	case r.Minutes < 1 || r.Minutes > most:
		return fmt.Errorf("minutes is %d: want from 1 to %d", r.Minutes, most)
	}
	s.SetLevel(r.Package, r.Level, time.Duration(r.Minutes)*time.Minute)
	return nil
}
