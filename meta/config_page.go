package meta

import (
	"context"
	"net/url"
)

// configPage shows how the group is configured.
func (a *app) configPage(ctx context.Context, _ url.Values) (any, error) {
	return View{Blocks: lookOf(ctx).group.Config}, nil
}
