package scenario

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// treeVariable marks the members of a Tree in their environment, in case they
// leave its session.
const treeVariable = "SCENARIO_TREE"

// Tree is a program under test together with all processes that come of it,
// also those that their parents have left behind: the calling process becomes
// the reaper of orphans for that. It is safe for concurrent use.
type Tree struct {
	cmd    *exec.Cmd
	marker []byte
	exited chan struct{} // closed when the root has
	err    error         // of the root's Wait; read after exited
}

// Start starts the program, which becomes the root of a Tree in a session of
// its own. Call End in any case. Standard output and error go where cmd says;
// these must be files, or whoever is left behind and holds a pipe would be
// waited for.
func Start(cmd *exec.Cmd) (*Tree, error) {
	for _, w := range []any{cmd.Stdout, cmd.Stderr} {
		if _, ok := w.(*os.File); w != nil && !ok {
			return nil, errors.New("scenario: the output of a command must go to files")
		}
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("scenario: becoming the reaper of orphans: %w", err)
	}
	marker := fmt.Sprintf("%s=%d.%d", treeVariable, os.Getpid(), time.Now().UnixNano())
	cmd.Env = append(cmd.Environ(), marker)
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid = true
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("scenario: starting the program: %w", err)
	}
	t := &Tree{cmd: cmd, marker: []byte(marker), exited: make(chan struct{})}
	go func() { // ends with the root, which End sees to
		t.err = cmd.Wait()
		close(t.exited)
	}()
	return t, nil
}

// Pid returns the process id of the root.
func (t *Tree) Pid() int { return t.cmd.Process.Pid }

// Signal sends a signal to the root.
func (t *Tree) Signal(sig os.Signal) error {
	if err := t.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("scenario: sending %v: %w", sig, err)
	}
	return nil
}

// Exited is closed when the root has exited.
func (t *Tree) Exited() <-chan struct{} { return t.exited }

// Members returns the ids of all live processes of the tree in ascending order.
func (t *Tree) Members() []int {
	var pids []int
	for _, p := range t.members() {
		if p.state != 'Z' {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// End asks the root to stop with SIGTERM, unless it has exited, and waits
// until ctx ends. It returns an error if the root does not exit by then, exits
// with a failure, or leaves processes behind. Nothing of the tree is alive
// afterwards.
func (t *Tree) End(ctx context.Context) error {
	select {
	case <-t.exited:
	default:
		_ = t.cmd.Process.Signal(syscall.SIGTERM) // it may exit just now
	}
	var errs []error
	select {
	case <-t.exited:
		if t.err != nil {
			errs = append(errs, fmt.Errorf("scenario: the program ended: %w", t.err))
		}
	case <-ctx.Done():
		errs = append(errs, fmt.Errorf("scenario: the program does not stop: %w", context.Cause(ctx)))
	}
	errs = append(errs, t.leftovers())
	t.kill()
	return errors.Join(errs...)
}

// leftovers returns an error that names who is alive although the root is not.
func (t *Tree) leftovers() error {
	select {
	case <-t.exited:
	default:
		return nil // there is a worse complaint
	}
	var names []string
	for _, p := range t.members() {
		if p.state != 'Z' {
			names = append(names, fmt.Sprintf("%d (%s)", p.pid, p.command()))
		}
	}
	if names == nil {
		return nil
	}
	return fmt.Errorf("scenario: the program left processes behind: %s", strings.Join(names, ", "))
}

// kill ends every process of the tree. Who is killed leaves its children to
// us, and may just have made another, so it looks until nobody is found.
func (t *Tree) kill() {
	for {
		members := t.members()
		for _, p := range members {
			_ = unix.Kill(p.pid, unix.SIGKILL)
			if p.parent == os.Getpid() && p.pid != t.Pid() {
				_, _ = unix.Wait4(p.pid, nil, 0, nil)
			}
		}
		if len(members) == 0 {
			break
		}
	}
	<-t.exited
}

// process is a line of the process table.
type process struct {
	pid, parent, session int
	state                byte
}

// members returns all processes of the tree, zombies too.
func (t *Tree) members() []process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		p, err := readProcess(pid)
		if err != nil || pid == os.Getpid() || t.reaped(p) {
			continue // gone meanwhile, or ourselves
		}
		if p.session == t.Pid() || t.marked(pid) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b process) int { return a.pid - b.pid })
	return found
}

// reaped reports whether p is the zombie of the root, which its own waiter
// takes away.
func (t *Tree) reaped(p process) bool { return p.pid == t.Pid() && p.state == 'Z' }

// marked reports whether the process has inherited the marker.
func (t *Tree) marked(pid int) bool {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && slices.ContainsFunc(bytes.Split(environ, []byte{0}), func(v []byte) bool {
		return bytes.Equal(v, t.marker)
	})
}

// readProcess reads /proc/pid/stat (see proc_pid_stat(5)); the name in it is
// in brackets and may hold anything.
func readProcess(pid int) (process, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, err
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 4 {
		return process{}, fmt.Errorf("scenario: /proc/%d/stat is not understood", pid)
	}
	parent, _ := strconv.Atoi(string(fields[1]))
	session, _ := strconv.Atoi(string(fields[3]))
	return process{pid: pid, parent: parent, session: session, state: fields[0][0]}, nil
}

// command returns the command line of a process.
func (p process) command() string {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid))
	return strings.TrimSpace(string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
}
