package reports

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/support-go/support/stats"
)

// Help texts go beside the reports: they are the same in all processes that
// have the instrument, which need not include the one that shows them.
const (
	helpPath  = "/help"
	helpEvery = 10      // reports, so that a successor learns them soon
	maxHelp   = 1 << 20 // bytes, of all texts of a process
	maxTexts  = 2000    // of all processes
)

// takeHelp makes the texts of other processes those of the own registry.
func (c *Collector) takeHelp(w http.ResponseWriter, r *http.Request) {
	var news map[string]string
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxHelp)).Decode(&news); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.describe(news)
	w.WriteHeader(http.StatusNoContent)
}

// describe adds what is new, as far as there is room.
func (c *Collector) describe(news map[string]string) {
	known := c.own.Descriptions()
	for name, text := range news {
		if _, old := known[name]; !old && len(known) < maxTexts && stats.CheckName(name) == nil {
			c.own.Describe(name, text)
			known[name] = text
		}
	}
}

// sendHelp tells a collector what the registry's instruments are.
func (s *sender) sendHelp(ctx context.Context) error {
	body, err := json.Marshal(s.registry.Descriptions())
	if err != nil {
		return err
	}
	resp, err := s.post(ctx, helpPath, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // so that the connection can be used again
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%w: %s", errRefused, resp.Status)
	}
	return nil
}

func (s *sender) post(ctx context.Context, path string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://collector"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return s.client.Do(request)
}
