package upgrade

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"schload/internal/spelling"
	"schload/internal/yamlfile"
)

//go:embed catalog/*.yaml
var catalog embed.FS

// Names returns the names of the catalog in alphabetical order.
func Names() []string {
	entries, err := catalog.ReadDir("catalog")
	if err != nil {
		panic("upgrade: embedded catalog: " + err.Error())
	}
	var names []string
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(entry.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

// Source returns the text of an upgrade of the catalog: a start for one's own.
func Source(name string) ([]byte, error) {
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("unknown upgrade %q%s: the catalog has %s; or give a file's path ending in .yaml",
			yamlfile.Clip(name), spelling.Hint(name, Names()), strings.Join(Names(), ", "))
	}
	return catalog.ReadFile("catalog/" + name + ".yaml")
}

// Load returns an upgrade of the catalog, or reads one from a file by its path,
// which has a slash or ends in .yaml or .yml.
func Load(name string) (Upgrade, error) {
	file, read := name+".yaml", Source
	if yamlfile.IsPath(name) {
		file, read = name, yamlfile.Read
	}
	data, err := read(name)
	if err != nil {
		return Upgrade{}, err
	}
	return Parse(file, data)
}
