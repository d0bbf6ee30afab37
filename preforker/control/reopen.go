package control

import "context"

// ReopenResult is what came of opening logs anew.
type ReopenResult struct {
	Processes int `json:"processes"` // that were told, each of which does so between two requests
}

const reopenPath = "/reopen"

// ReopenVerb is the verb that has all logs opened anew whose files were moved away.
func ReopenVerb(reopen func(ctx context.Context) (ReopenResult, error)) Verb {
	return Post(reopenPath, func(ctx context.Context, _ struct{}) (any, error) { return reopen(ctx) })
}

// Reopen asks the launcher whose sockets are in a folder for it.
func Reopen(ctx context.Context, dir string) (result ReopenResult, err error) {
	err = post(ctx, dir, reopenPath, struct{}{}, &result)
	return result, err
}
