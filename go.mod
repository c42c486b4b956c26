module github.com/support-go/support

go 1.26.0
