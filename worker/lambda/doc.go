// Package lambda runs the workers of package worker as a function of AWS Lambda.
package lambda
