//go:build linux

package server

import (
	"embed"
	"fmt"
	"os"
	"strings"

	"launcher/cmd/launcher/internal/experiment"
)

//go:embed ruby
var ruby embed.FS

const (
	wrapperName = "wrapper.ru"
	serveName   = "serve.rb"
)

// VersionsHeader asks the application for its versions where a request has it, and has them in the
// response: a JSON object with ruby, rails and rack.
const VersionsHeader = "X-Launcher-Versions"

// prepare writes the files of a run.
func (s *Spec) prepare() error {
	if err := os.MkdirAll(s.path(tmpName), 0o700); err != nil {
		return fmt.Errorf("make temporary folder: %w", err)
	}
	files := []string{wrapperName}
	switch s.Method {
	case experiment.Puma, experiment.PumaForkWorker, experiment.Unicorn, experiment.Pitchfork:
		files = append(files, serveName, string(s.Method)+".rb")
	case experiment.Falcon:
		files = append(files, serveName, "falcon.rb", "falcon_preload.rb")
	}
	for _, name := range files {
		text, err := ruby.ReadFile("ruby/" + name)
		if err != nil {
			return err
		}
		if name == wrapperName && s.App.Entry != "config.ru" {
			text = []byte(railsWrapper(string(text)))
		}
		switch name { // whose command line has no option for it
		case "unicorn.rb", "pitchfork.rb":
			text = fmt.Appendf(text, "\nworker_processes %d\n", s.Workers)
		case "falcon.rb":
			text = fmt.Appendf(text, "\nserve %d\n", s.Workers)
		}
		if err := os.WriteFile(s.path(name), text, 0o600); err != nil {
			return fmt.Errorf("write file of a run: %w", err)
		}
	}
	return nil
}

// railsWrapper returns the wrapper of an application that has no config.ru.
func railsWrapper(text string) string {
	const built = "parsed = Rack::Builder.parse_file(File.expand_path(\"config.ru\")) # [app, options] in Rack 2\n" +
		"app = parsed.is_a?(Array) ? parsed.first : parsed\n"
	return strings.Replace(text, built, "require File.expand_path(\"config/environment\")\napp = Rails.application\n", 1)
}
