package chrome

import (
	"fmt"
	"slices"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// ears hear what a tab says.
type ears struct {
	refuse func() // closes a dialog

	mu      sync.Mutex
	heard   []string
	answers []Answer
}

// Answer is one that the tab got to a request.
type Answer struct {
	URL    string
	Status int
}

// Complaints returns all that was wrong since it was last called: messages on
// the console, exceptions, violations of policies, dialogs, requests that failed
// or were answered with an error.
func (e *ears) Complaints() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard
	e.heard = nil
	return heard
}

// Answers returns those since it was last called, in their order.
func (e *ears) Answers() []Answer {
	e.mu.Lock()
	defer e.mu.Unlock()
	answers := e.answers
	e.answers = nil
	return answers
}

func (e *ears) complain(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if said := fmt.Sprintf(format, args...); !slices.Contains(e.heard, said) {
		e.heard = append(e.heard, said)
	}
}

// hear is called for each event, and must not wait for anything.
func (e *ears) hear(event any) {
	switch got := event.(type) {
	case *runtime.EventConsoleAPICalled:
		for _, arg := range got.Args {
			e.complain("console.%s: %s %s", got.Type, arg.Value, arg.Description)
		}
	case *runtime.EventExceptionThrown:
		e.complain("exception: %s %s", got.ExceptionDetails.Text, got.ExceptionDetails.Exception.Description)
	case *log.EventEntryAdded:
		e.complain("%s by %s: %s %s", got.Entry.Level, got.Entry.Source, got.Entry.Text, got.Entry.URL)
	case *audits.EventIssueAdded:
		e.complain("issue: %s", describe(got.Issue))
	case *page.EventJavascriptDialogOpening:
		e.complain("dialog (%s): %s", got.Type, got.Message)
		go e.refuse()
	case *network.EventLoadingFailed:
		if !got.Canceled { // as streams are when a page goes
			e.complain("a request for a %s failed: %s %s", got.Type, got.ErrorText, got.BlockedReason)
		}
	case *network.EventResponseReceived:
		e.answered(got.Response)
	}
}

func (e *ears) answered(r *network.Response) {
	if r.Status >= 400 {
		e.complain("%d for %s", r.Status, r.URL)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answers = append(e.answers, Answer{r.URL, int(r.Status)})
}

func describe(issue *audits.InspectorIssue) string {
	details := issue.Details
	switch {
	case details == nil:
	case details.ContentSecurityPolicyIssueDetails != nil:
		csp := details.ContentSecurityPolicyIssueDetails
		return fmt.Sprintf("%s: %s against %s", issue.Code, csp.BlockedURL, csp.ViolatedDirective)
	case details.GenericIssueDetails != nil:
		return fmt.Sprintf("%s: %s", issue.Code, details.GenericIssueDetails.ErrorType)
	}
	return string(issue.Code)
}
