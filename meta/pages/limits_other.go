//go:build !linux

package pages

import "github.com/support-go/support/meta"

func limits() []meta.Field { return nil }

func cgroup() []meta.Field { return nil }
