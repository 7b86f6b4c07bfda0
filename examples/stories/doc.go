// Package stories holds the snippets of the README as Examples, so that what users
// copy is compiled and run.
package stories
