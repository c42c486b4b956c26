module github.com/support-go/support/bench

go 1.26.0

require github.com/support-go/support v0.0.0

require (
	github.com/KimMachineGun/automemlimit v1.0.1 // indirect
	github.com/pbnjay/memory v0.0.0-20210728143218-7b4eea64cf58 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

replace github.com/support-go/support => ../
