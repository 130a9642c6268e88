// Command grafana stands in for Grafana in the compose stack where its image
// cannot be had. It shows nothing. It looks whether Grafana would find what it
// needs: boards and data sources where they are mounted, the home board among
// them, a data source that answers, and a folder to write to; once it has, it
// says on the path that Grafana's healthcheck asks that all is well. Called as
// wget it is that healthcheck.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Where Grafana's image looks for things.
const (
	provisioning = "/etc/grafana/provisioning"
	data         = "/var/lib/grafana"
	address      = ":3000"
)

var client = http.Client{Timeout: 2 * time.Second}

func main() {
	log.SetFlags(0)
	if filepath.Base(os.Args[0]) == "wget" {
		if err := answers(os.Args[len(os.Args)-1]); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := found(os.Getenv("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH")); err != nil {
		log.Fatal("Grafana would not be well: ", err)
	}
	log.Print("stand-in: no Grafana; its boards, data sources and folders are there")
	http.HandleFunc("GET /api/health", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, `{"database": "none", "stand-in": "this is no Grafana"}`)
	})
	log.Fatal(http.ListenAndServe(address, nil))
}

// found looks for all that Grafana is given, and for the board it begins with.
func found(home string) error {
	if err := sourcesAnswer(filepath.Join(provisioning, "datasources")); err != nil {
		return err
	}
	boards, err := boardPaths(filepath.Join(provisioning, "dashboards"))
	if err != nil {
		return err
	}
	isHome := false
	for _, file := range boards {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var board struct{ UID, Title string }
		if err := json.Unmarshal(text, &board); err != nil || board.UID == "" {
			return fmt.Errorf("board %s: uid %q, %v", file, board.UID, err)
		}
		isHome = isHome || file == home
	}
	if !isHome {
		return fmt.Errorf("home board %q is none of %s", home, strings.Join(boards, ", "))
	}
	return os.WriteFile(filepath.Join(data, "grafana.db"), nil, 0o600)
}

// Of the provisioned files these lines matter: where a provider looks for boards,
// and where a data source is.
var (
	boardFolder = regexp.MustCompile(`(?m)^\s+path:\s*(\S+)$`)
	sourceURL   = regexp.MustCompile(`(?m)^\s+url:\s*(\S+)$`)
)

// boardPaths lists the boards below the folders that the providers name.
func boardPaths(dir string) (paths []string, err error) {
	folders, err := values(dir, boardFolder)
	for _, folder := range folders {
		more, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil {
			return nil, err
		}
		paths = append(paths, more...)
	}
	return paths, err
}

// sourcesAnswer asks each data source whether it is ready.
func sourcesAnswer(dir string) error {
	urls, err := values(dir, sourceURL)
	for _, url := range urls {
		if err := answers(url + "/-/ready"); err != nil {
			return fmt.Errorf("data source: %w", err)
		}
	}
	return err
}

// values lists what a folder's YAML files have of a line, at least one.
func values(dir string, line *regexp.Regexp) (found []string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yml"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, m := range line.FindAllSubmatch(text, -1) {
			found = append(found, string(m[1]))
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: %d files and no line like %s: is it mounted?", dir, len(files), line)
	}
	return found, nil
}

// answers wants 200 of a URL.
func answers(url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}
