package dashboard

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"

	"launcher/preforker/control"
	"launcher/preforker/hint"
)

// realm is what a browser shows when it asks for the token.
const realm = `Basic realm="launcher: any name, and the token as the password", charset="UTF-8"`

var (
	errNoActions = hint.Errorf("start it with --dashboard-token FILE, or use the launcher's commands", "nothing can be done here: the launcher was started without a token")
	errNoToken   = hint.Errorf("sign in with any name, and the token as the password", "the token is needed (--dashboard-token)")
)

// access says who may read the page, and who may have something done.
type access struct {
	token string   // "": nothing can be done
	open  bool     // who can connect may read
	names []string // of the host, besides its addresses
	form  string   // stands in each form of this process
}

func newAccess(token string, open bool, names []string) access {
	key := make([]byte, 16)
	_, _ = rand.Read(key) // never fails
	return access{token: token, open: open, names: names, form: hex.EncodeToString(key)}
}

// bearer returns the token of a program. No browser sends one by itself, for whatever page.
func bearer(r *http.Request) (token string, is bool) {
	return strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// trusted says whether a request has the token: as the password of any name, or as what its bearer may do.
func (a access) trusted(r *http.Request) bool {
	if a.token == "" {
		return false
	}
	given, is := bearer(r)
	if _, password, basic := r.BasicAuth(); basic {
		given, is = password, true
	}
	want, got := sha256.Sum256([]byte(a.token)), sha256.Sum256([]byte(given))
	return is && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// check returns a status other than 200 for a request that is refused. Whoever has the token may come by any name: no browser
// gives it to another site's.
func (a access) check(r *http.Request, admin bool) (status int, err error) {
	trusted := a.trusted(r)
	names := a.names
	if trusted {
		names = append([]string{hostOf(r)}, names...)
	}
	if status, err := control.CheckOrigin(r, names...); err != nil {
		return status, err
	}
	if admin && a.token == "" {
		return http.StatusForbidden, errNoActions
	}
	if !trusted && (admin || !a.open) {
		return http.StatusUnauthorized, errNoToken
	}
	return http.StatusOK, nil
}

// checkAction is check for what is to be done: it comes from a form of this page, or from a program that has the token.
func (a access) checkAction(r *http.Request) (status int, err error) {
	if status, err := a.check(r, true); err != nil {
		return status, err
	}
	if _, program := bearer(r); program {
		return http.StatusOK, nil // whose token was checked
	}
	if subtle.ConstantTimeCompare([]byte(r.PostFormValue("key")), []byte(a.form)) != 1 {
		return http.StatusForbidden, hint.Errorf("go back, read the page again, and repeat it there", "the page that this comes from is of another time")
	}
	return http.StatusOK, nil
}
