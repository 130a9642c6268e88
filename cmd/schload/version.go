package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of schload and of the client under test",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := buildVersions()
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "schload %s, go-redis %s, %s %s/%s\n",
				v["schload"], v["go-redis"], runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// version is set by the linker where no version control is at hand (images).
var version string

// buildVersions reads what the linker knows: this module's version or commit,
// and the version of the client whose behaviour every run reports.
func buildVersions() map[string]string {
	versions := map[string]string{"schload": "(unknown)", "go-redis": "(unknown)", "go": runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versions
	}
	versions["schload"] = info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && info.Main.Version == "(devel)" {
			versions["schload"] = s.Value[:min(12, len(s.Value))]
		}
	}
	for _, dep := range info.Deps {
		if dep.Path == "github.com/redis/go-redis/v9" {
			versions["go-redis"] = dep.Version
		}
	}
	if version != "" {
		versions["schload"] = version
	}
	return versions
}
