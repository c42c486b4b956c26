package browser_test

import (
	"testing"

	"github.com/support-go/support/browser/chrome"
)

// harmful is a script that lists all of a page that strings of others could
// have become: markup that acts or loads, and characters that terminals and
// readers of text obey.
const harmful = `(() => {
	const bad = [];
	const say = (what, e) => bad.push(what + ": " + e.outerHTML.slice(0, 200));
	for (const e of document.querySelectorAll("*")) {
		for (const a of e.attributes) {
			if (/^on/i.test(a.name)) say("acts", e);
			if (/^(href|xlink:href|src|action|formaction|data|ping)$/i.test(a.name) && new URL(a.value, document.baseURI).origin !== location.origin) say("leads elsewhere", e);
			if (/^style$/i.test(a.name) && !e.classList.contains("tip")) say("has a style of its own", e);
		}
	}
	for (const e of document.querySelectorAll("img, iframe, frame, object, embed, applet, base, video, audio, style, foreignObject, animate, set, template, [srcdoc], meta[http-equiv]")) say("is not of ours", e);
	for (const e of document.querySelectorAll("script")) if (e.textContent || !/^\/static\/\w+\/meta\.js$/.test(new URL(e.src).pathname)) say("is a script", e);
	const odd = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069\ufeff]/;
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let text; (text = walk.nextNode());) if (odd.test(text.data)) bad.push("has odd characters: " + JSON.stringify(text.data.slice(0, 100)));
	return bad;
})()`

// harmless fails the test if a hostile string has become markup (M5).
func harmless(t *testing.T, opened *chrome.Tab) {
	t.Helper()
	for _, found := range ask[[]string](t, opened, harmful) {
		t.Error(found)
	}
}
