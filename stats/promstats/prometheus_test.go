package promstats_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/support-go/support/stats/promstats"
)

// TestPrometheusScrapes has a real prometheus scrape native histograms and
// asks it for what it has understood.
func TestPrometheusScrapes(t *testing.T) {
	path := program(t, "prometheus")
	reg := everything()
	target := httptest.NewServer(handler(t, promstats.Of(reg)))
	defer target.Close()
	api := startPrometheus(t, path, strings.TrimPrefix(target.URL, "http://"))
	for query, want := range map[string]string{
		`up`:                                 "1",
		`http_sent_bytes_total`:              "12",
		`http_open`:                          "2.5",
		`http_conns_present{state="write"}`:  "1",
		`histogram_count(http_wait_seconds)`: "7",
		`histogram_sum(http_wait_seconds)`:   "1e+30",
	} {
		t.Run(query, func(t *testing.T) {
			got := ""
			until(t, func() bool {
				got = ask(api, query)
				return got == want
			}, func() string { return fmt.Sprintf("%s is %q, want %q", query, got, want) })
		})
	}
}

// startPrometheus returns the address of its API.
func startPrometheus(t *testing.T, path, target string) string {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("scrape_configs: [{job_name: test, scrape_interval: 500ms, scrape_timeout: 500ms, static_configs: [{targets: [%q]}]}]\n", target)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	cmd := exec.Command(path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+addr, "--enable-feature=native-histograms", "--log.level=warn")
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return "http://" + addr
}

// freeAddr finds a port that is free now; prometheus cannot choose its own.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// ask returns the value of a query's only result, or what went wrong.
func ask(api, query string) string {
	resp, err := http.Get(api + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err.Error()
	}
	if len(answer.Data.Result) != 1 {
		return fmt.Sprintf("%d results", len(answer.Data.Result))
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}

// until asks for done again and again, for at most 20 seconds.
func until(t *testing.T, done func() bool, state func() string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(state())
		}
	}
}
