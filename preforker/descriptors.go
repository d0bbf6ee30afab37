package preforker

import (
	"fmt"

	"launcher/preforker/hint"
	"launcher/preforker/linux"
)

// A worker costs a listener, both ends of a handover, a channel, a pidfd and the pipe of what it prints, and while it is
// replaced a second one of the last three. The rest is for preloaders, for who asks for the status, for the
// waiting connections of a slot that closes, and for pipes that somebody holds (outputsHeld).
const (
	descriptorsPerWorker = 9
	descriptorsBesides   = 144
	// descriptorsInReserve are left free by whoever takes what SpareDescriptors tells: for who reads metrics and the dashboard at their addresses.
	descriptorsInReserve = 64
)

func checkDescriptors(workers int) error {
	_, err := SpareDescriptors(workers)
	return err
}

// SpareDescriptors is how many files may be open in the process of a supervisor of so many workers
// besides its own: with more of them it could not reload the application, or replace a worker. It
// is an error where there is not even room for its own.
func SpareDescriptors(workers int) (int, error) {
	limit, err := linux.DescriptorLimit()
	if err != nil {
		return 0, fmt.Errorf("ask for the limit of open files: %w", err)
	}
	need := uint64(workers*descriptorsPerWorker + descriptorsBesides)
	if limit < need {
		return 0, hint.Errorf(fmt.Sprintf("raise it to %d (ulimit -n, or LimitNOFILE= in a systemd unit), or run fewer workers", need),
			"start %d workers: the limit of open files is %d", workers, limit)
	}
	return int(max(min(limit, maxDescriptors)-need, descriptorsInReserve) - descriptorsInReserve), nil
}

// maxDescriptors is more than anybody needs: a limit may be infinite.
const maxDescriptors = 1 << 20
