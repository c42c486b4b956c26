package browser_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/support-go/support/browser/chrome"
)

// Which rules axe-core goes through.
const (
	everything = `{}`
	colours    = `{runOnly: {type: "rule", values: ["color-contrast", "link-in-text-block"]}}` // all that depends on them
)

// violation is what axe-core finds.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// accessible fails the test for everything in the page that keeps somebody out,
// so far as axe-core can tell.
func accessible(t *testing.T, opened *chrome.Tab, rules string) {
	t.Helper()
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("axe-core is missing: run npm ci --ignore-scripts in browser:", err)
		}
		t.Log("axe-core is missing, and so nobody looks whether the page is accessible: run npm ci --ignore-scripts in browser")
		return
	}
	run := fmt.Sprintf(`axe.run(document, Object.assign({resultTypes: ["violations"]}, %s)).then((found) => JSON.stringify(found.violations))`, rules)
	if ask[string](t, opened, `typeof axe`) == "undefined" {
		ask[int](t, opened, string(axe)+";0")
	}
	found := ask[string](t, opened, run)
	var violations []violation
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		for i, node := range v.Nodes {
			if i < 3 {
				t.Errorf("%s (%s), %d times: %s: %s", v.ID, v.Help, len(v.Nodes), node.HTML, node.Summary)
			}
		}
	}
}
