//go:build !unix

package support_test

import "net/http"

func starve() {}

func mortal(http.ResponseWriter, *http.Request) {}
