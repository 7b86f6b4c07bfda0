module github.com/leat-go/leat/examples

go 1.26.0

require github.com/leat-go/leat v0.0.0

replace github.com/leat-go/leat => ../
