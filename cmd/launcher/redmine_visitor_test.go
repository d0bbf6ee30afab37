//go:build linux && redmine

package main

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// What Redmine sets up, and asks to have changed at the first sign-in.
const (
	redmineFirstPassword = "admin"
	redminePassword      = "harbour-master"
)

// redmineVisitor is one person at Redmine: it keeps cookies, follows redirects and returns
// the token of each form that it sends. Every page has to come.
type redmineVisitor struct {
	t      *testing.T
	site   string // http://host:port
	client *http.Client
}

func newRedmineVisitor(t *testing.T, site string) *redmineVisitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &redmineVisitor{t: t, site: site, client: &http.Client{Jar: jar, Timeout: patience, Transport: transport}}
}

// redminePage is the answer at the end of the redirects.
type redminePage struct {
	path   string
	header http.Header
	body   string
}

func (v *redmineVisitor) get(path string) redminePage {
	v.t.Helper()
	return v.send(v.request(http.MethodGet, path, nil))
}

func (v *redmineVisitor) request(method, path string, body io.Reader) *http.Request {
	v.t.Helper()
	request, err := http.NewRequest(method, v.site+path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	return request
}

func (v *redmineVisitor) send(request *http.Request) redminePage {
	v.t.Helper()
	p, err := v.try(request)
	if err != nil {
		v.t.Fatal(err)
	}
	return p
}

// try is send for any goroutine.
func (v *redmineVisitor) try(request *http.Request) (redminePage, error) {
	resp, err := v.client.Do(request)
	if err != nil {
		return redminePage{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return redminePage{}, fmt.Errorf("%s %s: %w", request.Method, request.URL, err)
	}
	if resp.StatusCode/100 != 2 {
		return redminePage{}, fmt.Errorf("%s %s: %s\n%.2000s", request.Method, request.URL, resp.Status, body)
	}
	return redminePage{resp.Request.URL.Path, resp.Header, string(body)}, nil
}

// landed checks which page an action ended at, and returns the submatches. An action
// that was refused shows its own form again.
func (v *redmineVisitor) landed(p redminePage, pattern string) []string {
	v.t.Helper()
	match := regexp.MustCompile(`^` + pattern + `$`).FindStringSubmatch(p.path)
	if match == nil {
		v.t.Fatalf("ended at %s, not at %s: %s", p.path, pattern, redmineMatch(p.body, `(?s)id="(?:errorExplanation|flash_error)"[^>]*>(.*?)</div>`))
	}
	return match
}

func redmineMatch(text, pattern string) string {
	if match := regexp.MustCompile(pattern).FindStringSubmatch(text); match != nil {
		return html.UnescapeString(match[1])
	}
	return ""
}

// submit sends the form of the page at path that has this action. Its files make it
// multipart.
func (v *redmineVisitor) submit(path, action string, fields url.Values, files ...*redmineFile) redminePage {
	v.t.Helper()
	form := redmineMatch(v.get(path).body, `(?s)(<form[^>]* action="`+regexp.QuoteMeta(action)+`".*?</form>)`)
	token := redmineMatch(form, `name="authenticity_token" value="([^"]+)"`)
	if token == "" {
		v.t.Fatalf("%s has no form for %s with a token", path, action)
	}
	fields.Set("authenticity_token", token)
	contentType, body := "application/x-www-form-urlencoded", []byte(fields.Encode())
	if len(files) > 0 {
		contentType, body = v.multipart(fields, files)
	}
	request := v.request(http.MethodPost, action, bytes.NewReader(body))
	request.Header.Set("Content-Type", contentType)
	return v.send(request)
}

func (v *redmineVisitor) multipart(fields url.Values, files []*redmineFile) (contentType string, body []byte) {
	v.t.Helper()
	var buffer bytes.Buffer
	form := multipart.NewWriter(&buffer)
	for name, values := range fields {
		for _, value := range values {
			if err := form.WriteField(name, value); err != nil {
				v.t.Fatal(err)
			}
		}
	}
	for i, file := range files {
		part, err := form.CreateFormFile(fmt.Sprintf("attachments[%d][file]", i+1), file.name)
		if err == nil {
			_, err = part.Write(file.content)
		}
		if err != nil {
			v.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		v.t.Fatal(err)
	}
	return form.FormDataContentType(), buffer.Bytes()
}

func (v *redmineVisitor) signIn(password string) {
	v.t.Helper()
	v.submit("/login", "/login", url.Values{"username": {"admin"}, "password": {password}})
	if p := v.get("/my/account"); p.path != "/my/account" && p.path != "/my/password" {
		v.t.Fatalf("not signed in: ended at %s", p.path)
	}
}

func (v *redmineVisitor) changePassword(from, to string) {
	v.t.Helper()
	v.landed(v.submit("/my/password", "/my/password", url.Values{
		"password": {from}, "new_password": {to}, "new_password_confirmation": {to}}), `/my/account`)
}

func (v *redmineVisitor) createProject(name string) {
	v.t.Helper()
	p := v.submit("/projects/new", "/projects", url.Values{"project[name]": {name}, "project[identifier]": {name},
		"project[enabled_module_names][]": {"issue_tracking"}})
	v.landed(p, `/projects/`+name+`/settings`)
}

// redmineFile is a file that no text encoding would survive.
type redmineFile struct {
	name    string
	content []byte
	token   string // of one that was uploaded before its issue was sent
}

func newRedmineFile(name string, size int) *redmineFile {
	return &redmineFile{name: name, content: randomBytes(size)}
}

// upload sends a file ahead of its form, as Redmine's script does in a browser.
func (v *redmineVisitor) upload(a *redmineFile) *redmineFile {
	v.t.Helper()
	csrf := redmineMatch(v.get("/issues").body, `name="csrf-token" content="([^"]+)"`)
	request := v.request(http.MethodPost, "/uploads.js?attachment_id=1&filename="+url.QueryEscape(a.name), bytes.NewReader(a.content))
	request.Header.Set("Content-Type", "application/octet-stream")
	request.Header.Set("X-CSRF-Token", csrf)
	request.Header.Set("X-Requested-With", "XMLHttpRequest")
	p := v.send(request)
	if a.token = redmineMatch(p.body, `input\.token'\)\.val\('([^']+)'\)`); a.token == "" {
		v.t.Fatalf("the upload of %s was refused: %s", a.name, p.body)
	}
	return a
}

// createIssue returns the path of the new issue.
func (v *redmineVisitor) createIssue(project, subject string, a *redmineFile) (path string) {
	v.t.Helper()
	fields := url.Values{"issue[subject]": {subject}, "issue[description]": {"Somebody should see to it."}}
	var files []*redmineFile
	if a.token == "" {
		files = append(files, a)
	} else {
		fields.Set("attachments[1][token]", a.token)
		fields.Set("attachments[1][filename]", a.name)
	}
	return v.landed(v.submit("/projects/"+project+"/issues/new", "/projects/"+project+"/issues", fields, files...), `/issues/\d+`)[0]
}

// checkIssue looks for an issue in the list, at its page and downloads what it has.
func (v *redmineVisitor) checkIssue(path, subject string, a *redmineFile) {
	v.t.Helper()
	if list := v.get("/issues").body; !strings.Contains(list, `href="`+path+`"`) || !strings.Contains(list, subject) {
		v.t.Errorf("/issues does not show %s", path)
	}
	issue := v.get(path).body
	if !strings.Contains(issue, subject) {
		v.t.Errorf("%s does not show %q", path, subject)
	}
	link := redmineMatch(issue, `href="(/attachments/download/\d+/`+regexp.QuoteMeta(a.name)+`)"`)
	if link == "" {
		v.t.Errorf("%s does not show %s", path, a.name)
		return
	}
	if got := v.get(link).body; got != string(a.content) {
		v.t.Errorf("%s is %d bytes that differ from the %d that were attached", link, len(got), len(a.content))
	}
}

// crowd asks for a page many times at once, so that every worker has its share.
func (v *redmineVisitor) crowd(path string, count int) {
	v.t.Helper()
	var group sync.WaitGroup
	for range count {
		request := v.request(http.MethodGet, path, nil)
		group.Go(func() {
			if p, err := v.try(request); err != nil || p.path != path {
				v.t.Errorf("one of %d at once: ended at %q: %v", count, p.path, err)
			}
		})
	}
	group.Wait()
}
