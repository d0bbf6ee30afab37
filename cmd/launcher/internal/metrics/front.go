package metrics

import (
	"maps"
	"slices"

	dto "github.com/prometheus/client_model/go"

	"launcher/preforker/control"
)

// frontFamilies are those of --http. Without it there are none.
func frontFamilies() []family {
	return []family{
		ofFrontOne("launcher_http_connections", "Connections of clients to --http.", gaugeType,
			func(f *control.FrontStatus) int { return f.Connections }),
		ofFrontOne("launcher_http_connections_max", "Connections to --http that there can be.", gaugeType,
			func(f *control.FrontStatus) int { return f.MaxConnections }),
		ofFrontOne("launcher_http_waiting_requests", "Requests to --http that no worker has yet.", gaugeType,
			func(f *control.FrontStatus) int { return f.Waiting }),
		ofFrontOne("launcher_http_accepted_connections_total", "Connections to --http that were accepted.", counterType,
			func(f *control.FrontStatus) uint64 { return f.Accepted }),
		ofFrontOne("launcher_http_evicted_connections_total", "Connections to --http that were closed to make room for others.", counterType,
			func(f *control.FrontStatus) uint64 { return f.Evicted }),
		ofFrontOne("launcher_http_tls_handshake_errors_total", "Connections to --http whose TLS handshake has failed.", counterType,
			func(f *control.FrontStatus) uint64 { return f.Handshakes }),
		{name: "launcher_http_refused_requests_total", help: "Requests that --http has answered itself in the place of a worker, by the status and the reason.", kind: counterType,
			labels: []string{labelCode, labelReason}, values: ofFront(func(f *control.FrontStatus, tell tell) {
				for _, refused := range f.Refused {
					tell(float64(refused.Count), number(refused.Code), refused.Reason)
				}
			})},
		{name: "launcher_http_unanswered_requests_total", help: "Requests to --http, or beginnings of such, that nobody has answered, by the reason.", kind: counterType,
			labels: []string{labelReason}, values: ofFront(func(f *control.FrontStatus, tell tell) {
				for _, reason := range slices.Sorted(maps.Keys(f.Unanswered)) {
					tell(float64(f.Unanswered[reason]), reason)
				}
			})},
	}
}

// ofFront tells the values of a front, where there is one.
func ofFront(values func(*control.FrontStatus, tell)) func(*control.Status, tell) {
	return func(s *control.Status, tell tell) {
		if s.Front != nil {
			values(s.Front, tell)
		}
	}
}

// ofFrontOne is a family of one number of a front.
func ofFrontOne[N int | uint64](name, help string, kind dto.MetricType, value func(*control.FrontStatus) N) family {
	return family{name: name, help: help, kind: kind, values: ofFront(func(f *control.FrontStatus, tell tell) { tell(float64(value(f))) })}
}
