package report

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"

	"launcher/cmd/launcher/internal/experiment"
)

// samplesCSV has a row for each sample of every run, failed ones too. Sizes are bytes.
func samplesCSV(results *experiment.Results) ([]byte, error) {
	var out bytes.Buffer
	writer := csv.NewWriter(&out)
	rows := [][]string{{"method", "n", "round", "seconds", "phase", "processes", "pss", "private", "rss", "swap",
		"free_used", "free_used_less", "swap_used"}}
	for i := range results.Runs {
		run := &results.Runs[i]
		for j := range run.Samples {
			rows = append(rows, sampleRow(run, &run.Samples[j]))
		}
	}
	if err := writer.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("make samples.csv: %w", err)
	}
	return out.Bytes(), nil
}

func sampleRow(run *experiment.Run, sample *experiment.Sample) []string {
	row := []string{string(run.Method), strconv.Itoa(run.Processes), strconv.Itoa(max(1, run.Round)), strconv.FormatFloat(sample.Seconds, 'f', 3, 64),
		sample.Phase, strconv.Itoa(sample.Processes)}
	for _, bytes := range []uint64{sample.PSS, sample.Private, sample.RSS, sample.Swap,
		sample.FreeUsed, sample.FreeUsedLess, sample.SwapUsed} {
		row = append(row, strconv.FormatUint(bytes, 10))
	}
	return row
}

// trafficCSV has a row for each window of every run, failed ones too.
func trafficCSV(results *experiment.Results) ([]byte, error) {
	var out bytes.Buffer
	writer := csv.NewWriter(&out)
	rows := [][]string{{"method", "n", "round", "seconds", "load_seconds", "requests", "errors", "throughput", "median_ms", "p99_ms"}}
	for i := range results.Runs {
		run := &results.Runs[i]
		for _, w := range run.Traffic.Windows {
			row := []string{string(run.Method), strconv.Itoa(run.Processes), strconv.Itoa(max(1, run.Round)),
				strconv.FormatFloat(run.Traffic.Began+w.Seconds, 'f', 3, 64), strconv.FormatFloat(w.Seconds, 'f', 0, 64),
				strconv.Itoa(w.Requests), strconv.Itoa(w.Errors)}
			for _, value := range []float64{w.Throughput(), w.MedianMs, w.P99Ms} {
				row = append(row, strconv.FormatFloat(value, 'f', 3, 64))
			}
			rows = append(rows, row)
		}
	}
	if err := writer.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("make traffic.csv: %w", err)
	}
	return out.Bytes(), nil
}
