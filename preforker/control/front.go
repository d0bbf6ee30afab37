package control

// FrontStatus is the launcher's own HTTP front. What it counts begins with the launcher.
type FrontStatus struct {
	Address        string   `json:"address"` // the first
	URLs           []string `json:"urls"`    // of all
	Connections    int      `json:"connections"`
	MaxConnections int      `json:"max_connections"`
	Waiting        int      `json:"waiting"` // requests that no worker has yet

	Accepted   uint64            `json:"accepted_connections"`
	Evicted    uint64            `json:"evicted_connections"` // that made room for others
	Handshakes uint64            `json:"tls_handshake_errors"`
	Refused    []RefusedStatus   `json:"refused"`    // requests that the front has answered itself; those with 0, too
	Unanswered map[string]uint64 `json:"unanswered"` // requests, or beginnings of such, that nobody has answered, by reason
}

// RefusedStatus is how many requests the front has answered itself, with one code and for one reason.
type RefusedStatus struct {
	Code   int    `json:"code"`
	Reason string `json:"reason"`
	Count  uint64 `json:"count"`
}
