package preforker

import (
	"fmt"

	"launcher/preforker/control"
	"launcher/preforker/core"
	"launcher/preforker/hint"
)

// noWorkerError says why nothing could be asked of a slot's worker, and what to do.
func noWorkerError(verb string, slot, slots int, pid int, why core.NoWorker) error {
	of := fmt.Sprintf("%s %d: ", verb, slot)
	if pid != 0 {
		of = fmt.Sprintf("%s %d: pid %d: ", verb, slot, pid)
	}
	try := "see launcher status"
	switch why {
	case core.NoSuchSlot:
		try = "launcher status tells which slots there are"
		if slots == 1 {
			return control.BadRequest(try, "%sthere is slot 0 alone", of)
		}
		return control.BadRequest(try, "%sthere are the slots 0 to %d", of, slots-1)
	case core.SlotIsParked:
		try = "name a slot that has a worker: launcher status; this one gets one when a request comes to it"
	case core.SlotIsLent:
		try = "name a slot that has a worker: launcher status"
	case core.SlotIsWaiting, core.SlotIsFailed:
		try = "launcher status tells how the last one has died; mend that, then launcher restart tries at once"
	case core.SlotIsVacant, core.WorkerIsForked:
		try = "ask again in a moment: launcher status tells when it has one"
	case core.WorkerIsGone:
		try = "see which one there is now: launcher status"
	case core.WorkerComesUp:
		try = fmt.Sprintf("ask again when it is ready; launcher kill %d --now ends it as it is", slot)
	case core.ApplicationLoads:
		try = "launcher stop ends all; the log tells how far it is"
	case core.EverybodyLeaves:
		try = "launcher stop waits for the end, and launcher stop --now kills"
	}
	return hint.Errorf(try, "%s%s", of, string(why))
}

// slotOf reads the slot of a request, which has to be there: 0 is one.
func slotOf(verb string, slot *int) (int, error) {
	if slot == nil {
		return 0, control.BadRequest(`curl --data '{"slot": 0}'`, "%s: slot is to be there, the number of one", verb)
	}
	return *slot, nil
}
