package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"launcher/cmd/launcher/internal/experiment"
)

// Names of the files that Write makes.
const (
	PageFile     = "report.html"
	MarkdownFile = "report.md"
	SummaryFile  = "summary.md" // one table, to be shown elsewhere
	SamplesFile  = "samples.csv"
	TrafficFile  = "traffic.csv"
	ResultsFile  = "results.json"
)

// reportFile is a file and what makes its content.
type reportFile struct {
	name string
	make func() ([]byte, error)
}

// Write puts the report into dir, which it makes where there is none: report.html,
// report.md, summary.md, the graphs as .svg, those of memory as .png too, samples.csv, traffic.csv and
// results.json. Each file is whole at every moment, the one of before or the new one.
// The others are written also where one fails; what was measured comes first.
func Write(dir string, results *experiment.Results) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make folder of report: %w", err)
	}
	f := newFigures(results)
	doc := newDocument(results)
	files := []reportFile{
		{ResultsFile, func() ([]byte, error) { return resultsJSON(results) }},
		{SamplesFile, func() ([]byte, error) { return samplesCSV(results) }},
		{TrafficFile, func() ([]byte, error) { return trafficCSV(results) }},
		{MarkdownFile, func() ([]byte, error) { return doc.markdown(), nil }},
		{SummaryFile, func() ([]byte, error) { return []byte(Summary(results)), nil }},
		{PageFile, doc.page},
	}
	for _, g := range []*graph{memoryGraph(f), timeGraph(f)} {
		files = append(files, reportFile{g.id + ".svg", g.svg}, reportFile{g.id + ".png", g.png})
	}
	for _, g := range []*graph{throughputGraph(f), latencyGraph(f)} {
		files = append(files, reportFile{g.id + ".svg", g.svg})
	}
	var failed []error
	for _, file := range files {
		content, err := file.make()
		if err == nil {
			err = replaceFile(filepath.Join(dir, file.name), content)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("write %s: %w", file.name, err))
		}
	}
	return errors.Join(failed...)
}

// replaceFile writes beside the file and renames, which rename(2) does at once. O_EXCL follows no
// link that somebody else has put there. Unlike smallfile.Replace it honours the umask, and leaves one
// file beside at most when it is killed.
func replaceFile(path string, content []byte) error {
	beside := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	if err := os.Remove(beside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(beside, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	return nil
}

func resultsJSON(results *experiment.Results) ([]byte, error) {
	content, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(content, '\n'), nil
}
