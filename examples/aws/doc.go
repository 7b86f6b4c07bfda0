// Package aws is what a queue needs on AWS, as Terraform: see main.tf and
// docs/aws.md. There is no program here; examples/whatif runs on it by its URLs.
package aws
