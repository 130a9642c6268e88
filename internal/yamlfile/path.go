package yamlfile

import (
	"path/filepath"
	"strings"
)

// IsPath tells the path of a file from the name of something embedded: it has
// a slash or ends in .yaml or .yml.
func IsPath(name string) bool {
	ext := filepath.Ext(name)
	return strings.ContainsRune(name, filepath.Separator) || ext == ".yaml" || ext == ".yml"
}
