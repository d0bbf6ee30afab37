package metrics

import (
	"cmp"
	"slices"

	dto "github.com/prometheus/client_model/go"

	"launcher/preforker/control"
)

// The types that a family can have, beside that of a histogram.
const (
	counterType = dto.MetricType_COUNTER
	gaugeType   = dto.MetricType_GAUGE
	unknownType = dto.MetricType_UNTYPED
)

// tell takes a value of a family, with the values of its labels in their order.
type tell func(value float64, labels ...string)

// family is a metric with all values that it has.
type family struct {
	name   string
	help   string
	kind   dto.MetricType
	labels []string
	// values tells those that a status has: none where a figure is not known.
	values func(status *control.Status, tell tell)
	// histogram is in the place of values.
	histogram func(status *control.Status) control.Histogram
}

// gauge is a family of one value.
func gauge(name, help string, value func(*control.Status) float64) family {
	return one(name, help, gaugeType, value)
}

// counter is a family of one value that only grows.
func counter(name, help string, value func(*control.Status) float64) family {
	return one(name, help, counterType, value)
}

func one(name, help string, kind dto.MetricType, value func(*control.Status) float64) family {
	return family{name: name, help: help, kind: kind, values: func(s *control.Status, tell tell) { tell(value(s)) }}
}

// gaugeIf is a family of one value, or of none.
func gaugeIf(name, help string, value func(*control.Status) (value float64, known bool)) family {
	return family{name: name, help: help, kind: gaugeType, values: func(s *control.Status, tell tell) {
		if value, known := value(s); known {
			tell(value)
		}
	}}
}

// oneIf is 1 where something is so.
func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// metrics are those of a family that a status has, in the form in which Prometheus' own package writes them. Nil: it has none.
func (f family) metrics(status *control.Status) *dto.MetricFamily {
	if f.histogram != nil {
		kind := dto.MetricType_HISTOGRAM
		return &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: &kind,
			Metric: []*dto.Metric{{Histogram: histogramOf(f.histogram(status))}}}
	}
	all := &dto.MetricFamily{Name: &f.name, Help: &f.help, Type: &f.kind}
	f.values(status, func(value float64, labels ...string) {
		metric := &dto.Metric{Label: f.labelled(labels)}
		switch f.kind {
		case counterType:
			metric.Counter = &dto.Counter{Value: &value}
		case gaugeType:
			metric.Gauge = &dto.Gauge{Value: &value}
		default:
			metric.Untyped = &dto.Untyped{Value: &value}
		}
		all.Metric = append(all.Metric, metric)
	})
	if len(all.Metric) == 0 {
		return nil
	}
	return all
}

// labelled puts labels into the order of their names.
func (f family) labelled(values []string) []*dto.LabelPair {
	pairs := make([]*dto.LabelPair, 0, len(values))
	for i := range values {
		pairs = append(pairs, &dto.LabelPair{Name: &f.labels[i], Value: &values[i]})
	}
	slices.SortFunc(pairs, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return pairs
}

// histogramOf makes a histogram of Prometheus, whose buckets count all that is below them too.
func histogramOf(h control.Histogram) *dto.Histogram {
	made, below := &dto.Histogram{SampleCount: &h.Count, SampleSum: &h.Sum}, uint64(0)
	for i := range h.Bounds {
		if i < len(h.Counts) {
			below += h.Counts[i]
		}
		upTo := below
		made.Bucket = append(made.Bucket, &dto.Bucket{UpperBound: &h.Bounds[i], CumulativeCount: &upTo})
	}
	return made
}
