// Package dashboard is a page for people about a running launcher: what its workers do now, what the last hour
// was like, and buttons for those who have a token.
//
// What always holds: the page is whole without a script, loads nothing from elsewhere, and its policy lets nothing else
// run. Whatever applications and clients have chosen (paths, errors, names) is text, never markup. Nothing is changed without
// the token, nor by a page of another site. Until somebody asks there is neither a goroutine nor a history; what is
// kept and how long a reader may take are bounded; how many are served at once is bounded by the server. The package shows a control.Status, and
// knows nothing of where that comes from.
package dashboard
