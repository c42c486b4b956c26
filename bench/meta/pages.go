package main

import (
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"
)

// pages asks for each page of the menu of a worker that has much of everything.
func pages() error {
	g, err := start(settings{Workers: 1, Routes: 1000, Idle: 100_000})
	if err != nil {
		return err
	}
	defer g.stop()
	conns, err := g.connect(10_000)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	if err != nil {
		return err
	}
	time.Sleep(12 * time.Second) // until all is reported
	_, first, err := g.get("/")
	if err != nil {
		return err
	}
	paths := []string{"/"}
	for _, m := range regexp.MustCompile(`<li><a href="\./([a-z]+)"`).FindAllSubmatch(first, -1) {
		paths = append(paths, "/"+string(m[1]))
	}
	paths = append(paths, "/requests/GET%20%2Froute7%2F%7Bid%7D", "/stats/http.request_seconds?l.route=GET+%2Froute7%2F%7Bid%7D&l.server="+g.Serve)
	fmt.Printf("%d connections open\n\n| page | least | most of five | kB | stood still, longest so far | the same, for collections |\n|---|---|---|---|---|---|\n", len(conns))
	for _, path := range paths {
		if err := g.row(path); err != nil {
			return err
		}
	}
	return nil
}

// row measures one page.
func (g *group) row(path string) error {
	least, most, size := time.Hour, time.Duration(0), 0
	for range 5 {
		time.Sleep(300 * time.Millisecond) // costly pages want that between two looks
		took, body, err := g.get(path)
		if err != nil {
			return err
		}
		if strings.Contains(string(body), "did not answer") {
			return fmt.Errorf("%w: %s did not answer", errUnwell, path)
		}
		least, most, size = min(least, took), max(most, took), len(body)
	}
	p, err := g.stood()
	if err != nil {
		return err
	}
	fmt.Printf("| %s | %v | %v | %d | %.0f µs | %.0f µs |\n", path, least.Round(100*time.Microsecond), most.Round(100*time.Microsecond), size/1000, p.Others*1e6, p.GC*1e6)
	return nil
}

// connect opens connections that have asked for something and now wait.
func (g *group) connect(n int) (conns []net.Conn, err error) {
	answer := make([]byte, 4096)
	for i := range n {
		c, err := net.Dial("tcp", g.Serve)
		if err != nil {
			return conns, err
		}
		conns = append(conns, c)
		if _, err := fmt.Fprintf(c, "GET /route%d/1 HTTP/1.1\r\nHost: bench\r\n\r\n", i%g.Routes); err != nil {
			return conns, err
		}
		if _, err := c.Read(answer); err != nil {
			return conns, err
		}
	}
	return conns, nil
}

// stood is how long the worker has stood still at most.
func (g *group) stood() (pause, error) {
	_, body, err := g.get("/pauses.json")
	if err != nil {
		return pause{}, err
	}
	var view struct {
		Blocks []struct {
			Fields []struct {
				Name  string
				Value json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(body, &view); err != nil {
		return pause{}, err
	}
	var p pause
	for _, b := range view.Blocks {
		for _, f := range b.Fields {
			switch f.Name {
			case "others":
				p.Others = number(f.Value)
			case "gc":
				p.GC = number(f.Value)
			}
		}
	}
	return p, nil
}
