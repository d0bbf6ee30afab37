package front

import (
	"context"
	"errors"
	"os"

	"launcher/fcgi"
)

// Why a request got no whole response of a worker.
var (
	errNoWorker  = errors.New("no worker was free within the wait limit")
	errClosed    = errors.New("no worker is left")
	errTimedOut  = errors.New("worker was ended because this request took too long")
	errEnded     = errors.New("worker was ended while it had this request, for its memory or by launcher kill --now")
	errAbandoned = errors.New("worker went on for too long after the client had gone")
)

const busyText = "The application is busy. Please try again in a moment."

// failure is what a client is told of a request that got no response.
type failure struct {
	why  refusal
	text string
}

// failureOf judges an error.
func failureOf(err error) failure {
	var unstored *spoolError
	switch {
	case errors.Is(err, errClosed):
		return failure{refusedStopping, busyText}
	case errors.Is(err, errNoWorker), errors.Is(err, context.Canceled), errors.Is(err, fcgi.ErrOverloaded), errors.Is(err, fcgi.ErrCantMultiplex):
		return failure{refusedNoWorker, busyText}
	case errors.Is(err, fcgi.ErrRequestTooLarge):
		return failure{refusedHead, "The headers of this request are too large."}
	case errors.Is(err, errBodyTooLarge):
		return failure{refusedLarge, "The body of this request is too large."}
	case errors.Is(err, errSpoolsFull):
		return failure{refusedUploads, "Too much is being uploaded. Please try again in a moment."}
	case errors.As(err, &unstored) && unstored.full():
		return failure{refusedDisk, "There is no room for the body of this request."}
	case unstored != nil:
		return failure{refusedUnstored, "The body of this request could not be stored."}
	case errors.Is(err, fcgi.ErrRequestBody) && errors.Is(err, os.ErrDeadlineExceeded):
		return failure{refusedBody, "This request is incomplete or malformed."}
	case errors.Is(err, fcgi.ErrParamsCharacter), errors.Is(err, fcgi.ErrRequestBody):
		return failure{refusedMalformed, "This request is incomplete or malformed."}
	case errors.Is(err, errTimedOut), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return failure{refusedTimeout, "The application took too long to answer."}
	}
	return failure{refusedNoAnswer, "The application did not answer this request."}
}
