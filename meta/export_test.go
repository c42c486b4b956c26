package meta

// Routes lists what a Handler answers, for the test that asks all of it.
func (h *Handler) Routes() []string {
	var all []string
	for _, r := range h.start().routes {
		if r.path != "*" {
			all = append(all, r.method+" "+r.path)
		}
	}
	for _, p := range h.start().pages {
		all = append(all, "GET "+p.Path)
	}
	return all
}

// Audit returns how many things were done or tried.
func (h *Handler) Audit() int { return len(h.start().audit.events()) }

// Policy is the content security policy.
const Policy = policy
