// Package yamlfile reads the project's YAML files strictly: an unknown key is
// an error, and every error is one line that begins with file and line.
//
// Its one invariant: what a file says and the reader does not know is never
// ignored.
package yamlfile
