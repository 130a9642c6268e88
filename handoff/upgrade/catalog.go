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

// Load returns an upgrade of the catalog.
func Load(name string) (Upgrade, error) {
	if !slices.Contains(Names(), name) {
		return Upgrade{}, fmt.Errorf("unknown upgrade %q%s: the catalog has %s",
			yamlfile.Clip(name), spelling.Hint(name, Names()), strings.Join(Names(), ", "))
	}
	file := name + ".yaml"
	data, err := catalog.ReadFile("catalog/" + file)
	if err != nil {
		return Upgrade{}, fmt.Errorf("upgrade %s: %w", name, err)
	}
	return Parse(file, data)
}
