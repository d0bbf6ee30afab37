//go:build linux

package browsertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Screenshots is the environment variable that names a folder for pictures of the pages, to be looked at.
const Screenshots = "LAUNCHER_SCREENSHOTS"

// Page is one that the browser shows.
type Page struct {
	browser *Browser
	session string
}

// View is how a page is looked at.
type View struct {
	Width    int
	Dark     bool
	NoScript bool
}

// Open shows an address.
func (b *Browser) Open(url string, view View) *Page {
	b.t.Helper()
	var target struct {
		TargetID string `json:"targetId"`
	}
	b.call("", "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct {
		SessionID string `json:"sessionId"`
	}
	b.call("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	p := &Page{b, attached.SessionID}
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		p.call(domain+".enable", nil, nil)
	}
	p.View(view)
	p.Go(url)
	return p
}

func (p *Page) call(method string, params map[string]any, result any) {
	p.browser.t.Helper()
	if params == nil {
		params = map[string]any{}
	}
	p.browser.call(p.session, method, params, result)
}

// View has the page looked at in another way.
func (p *Page) View(view View) {
	p.browser.t.Helper()
	scheme := "light"
	if view.Dark {
		scheme = "dark"
	}
	p.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	p.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": view.Width, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
	p.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": view.NoScript}, nil)
}

// Go shows another address, and waits until it is there.
func (p *Page) Go(url string) {
	p.browser.t.Helper()
	var went struct {
		Error string `json:"errorText"`
	}
	before := p.count("Page.domContentEventFired")
	p.call("Page.navigate", map[string]any{"url": url}, &went)
	if went.Error != "" {
		p.browser.t.Fatalf("open %s: %s", url, went.Error)
	}
	p.waitFor("the page to be read", func() bool { return p.count("Page.domContentEventFired") > before })
	p.Wait("location.href != 'about:blank' && document.readyState != 'loading'") // it may have been the event of the page before
}

func (p *Page) waitFor(what string, done func() bool) {
	p.browser.t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			p.browser.t.Fatalf("waited in vain for %s; the page is %.4000s", what, p.Text("document.body.innerText"))
		}
	}
}

func (p *Page) events() []message {
	p.browser.mu.Lock()
	defer p.browser.mu.Unlock()
	return append([]message(nil), p.browser.heard[p.session]...)
}

func (p *Page) count(method string) (n int) {
	for _, said := range p.events() {
		if said.Method == method {
			n++
		}
	}
	return n
}

// Text evaluates an expression of JavaScript as text.
func (p *Page) Text(expression string) string {
	p.browser.t.Helper()
	text, err := p.evaluate(expression)
	if err != nil {
		p.browser.t.Fatal(err)
	}
	return text
}

func (p *Page) evaluate(expression string) (string, error) {
	var made struct {
		Result struct {
			Value any `json:"value"`
		} `json:"result"`
		Exception json.RawMessage `json:"exceptionDetails"`
	}
	err := p.browser.try(p.session, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &made)
	if err == nil && made.Exception != nil {
		err = errors.New(string(made.Exception))
	}
	if err != nil {
		return "", fmt.Errorf("evaluate %s: %w", expression, err)
	}
	return fmt.Sprint(made.Result.Value), nil
}

// Wait waits until an expression is true. One that fails is not: the page may be on its way.
func (p *Page) Wait(expression string) {
	p.browser.t.Helper()
	p.waitFor(expression, func() bool {
		text, err := p.evaluate("!!(" + expression + ")")
		return err == nil && text == "true"
	})
}

// Complaints are what the browser has said on its console: errors, what its policy does not let run, what could not be loaded.
func (p *Page) Complaints() (texts []string) {
	for _, said := range p.events() {
		switch said.Method {
		case "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled":
			texts = append(texts, string(said.Params))
		}
	}
	return texts
}

// Requested are the addresses of all that was loaded.
func (p *Page) Requested() (urls []string) {
	for _, said := range p.events() {
		var sent struct {
			Request struct {
				URL string `json:"url"`
			} `json:"request"`
		}
		if said.Method == "Network.requestWillBeSent" && json.Unmarshal(said.Params, &sent) == nil {
			urls = append(urls, sent.Request.URL)
		}
	}
	return urls
}

// Shot is a picture of the whole page, as PNG. It is kept where LAUNCHER_SCREENSHOTS names a folder.
func (p *Page) Shot(name string) []byte {
	p.browser.t.Helper()
	var size struct {
		Content struct {
			Width  float64 `json:"width"`
			Height float64 `json:"height"`
		} `json:"cssContentSize"`
	}
	p.call("Page.getLayoutMetrics", nil, &size)
	var picture struct {
		Data []byte `json:"data"`
	}
	p.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true,
		"clip": map[string]any{"x": 0, "y": 0, "width": size.Content.Width, "height": size.Content.Height, "scale": 1}}, &picture)
	if dir := os.Getenv(Screenshots); dir != "" {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".png")
		if err := os.WriteFile(path, picture.Data, 0o644); err != nil {
			p.browser.t.Error(err)
		}
		p.browser.t.Logf("%s: %d bytes", path, len(picture.Data))
	}
	if !bytes.HasPrefix(picture.Data, []byte("\x89PNG")) {
		p.browser.t.Errorf("%s: no picture", name)
	}
	return picture.Data
}
