package profiles

import (
	"embed"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"schload/internal/spelling"
	"schload/internal/yamlfile"
)

//go:embed *.yaml
var embedded embed.FS

// Default is the profile of a run that names none.
const Default = "default"

// Names lists the embedded profiles in alphabetical order.
func Names() []string {
	entries, err := embedded.ReadDir(".")
	if err != nil {
		panic(err) // the embedded folder is always there
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

// Source returns the text of an embedded profile.
func Source(name string) ([]byte, error) {
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("unknown profile %q%s; known are %s, or give a file's path ending in .yaml",
			name, spelling.Hint(name, Names()), strings.Join(Names(), ", "))
	}
	return embedded.ReadFile(name + ".yaml")
}

// Load reads an embedded profile by name, or a file by its path (which has a
// slash or ends in .yaml or .yml).
func Load(name string) (Profile, error) {
	if !yamlfile.IsPath(name) {
		data, err := Source(name)
		if err != nil {
			return Profile{}, err
		}
		return Parse(name, name+".yaml", data)
	}
	data, err := yamlfile.Read(name)
	if err != nil {
		return Profile{}, fmt.Errorf("profile: %w", err)
	}
	base := filepath.Base(name)
	return Parse(strings.TrimSuffix(base, filepath.Ext(base)), name, data)
}
