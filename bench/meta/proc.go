package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// cpu is the time that all processes of a role have used, in seconds.
func (g *group) cpu(role string) float64 {
	pids, err := g.processes(role)
	if err != nil {
		return 0
	}
	sum := 0.0
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		for _, at := range []int{11, 12} { // user and system, in hundredths of a second
			n, _ := strconv.ParseFloat(fields[at], 64) // they are numbers
			sum += n / 100
		}
	}
	return sum
}

// memory is a value of /proc/PID/status, in bytes: VmRSS or VmHWM.
func memoryOf(pid int, name string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64) // it is a number
			return kib * 1024
		}
	}
	return 0
}
