package fcgi

import (
	"context"
	"fmt"
	"time"
)

// The values that an application may be asked for, specification section 4.1.
const (
	ValueMaxConns = "FCGI_MAX_CONNS"
	ValueMaxReqs  = "FCGI_MAX_REQS"
	ValueMpxConns = "FCGI_MPXS_CONNS"
)

// defaultProbeTimeout bounds a probe whose context has no deadline.
const defaultProbeTimeout = 5 * time.Second

// Probe asks the application behind an address for its values (GET_VALUES) and
// returns those that it knows. An answer proves more than a connection does:
// a connection waits in the backlog of a listener that nobody accepts from.
//
// An application that answers UNKNOWN_TYPE serves too, and knows no values.
func Probe(ctx context.Context, network, address string) (map[string]string, error) {
	values, err := probe(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("probe %s: %w", address, err)
	}
	return values, nil
}

func probe(ctx context.Context, network, address string) (map[string]string, error) {
	ctx, cancel := withDefaultTimeout(ctx, defaultProbeTimeout)
	defer cancel()
	client := Client{Network: network, Address: address}
	conn, err := client.dial(ctx)
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer conn.Close()
	defer watch(ctx, conn)()

	query, err := Params{{Name: ValueMaxConns}, {Name: ValueMaxReqs}, {Name: ValueMpxConns}}.Append(nil)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(AppendRecord(nil, TypeGetValues, 0, query)); err != nil {
		return nil, cause(ctx, err)
	}
	record, err := NewRecordReader(conn).Next()
	if err != nil {
		return nil, cause(ctx, unexpectedEOF(err))
	}
	return probeAnswer(record)
}

// probeAnswer reads the answer to GET_VALUES.
func probeAnswer(record Record) (map[string]string, error) {
	values := make(map[string]string)
	if record.ID != 0 {
		return nil, fmt.Errorf("%w: %s for request %d", ErrRequestID, record.Type, record.ID)
	}
	switch record.Type {
	case TypeUnknownType:
		if len(record.Content) != bodyLen {
			return nil, fmt.Errorf("%w: UNKNOWN_TYPE of %d bytes", ErrRecordContent, len(record.Content))
		}
		return values, nil
	case TypeGetValuesResult:
		decoder := NewParamsDecoder(MaxContent)
		if _, err := decoder.Write(record.Content); err != nil {
			return nil, err
		}
		params, err := decoder.Params()
		if err != nil {
			return nil, err
		}
		for _, pair := range params {
			values[pair.Name] = pair.Value
		}
		return values, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrRecordType, record.Type)
}

// withDefaultTimeout adds a deadline to a context that has none.
func withDefaultTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}
