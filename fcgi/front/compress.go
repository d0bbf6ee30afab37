package front

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"

	"launcher/fcgi"
)

const (
	// minCompressed is the smallest body that is compressed: a smaller one fits a packet anyway.
	minCompressed = 1 << 10
	// maxCompressedFile is the largest file that is compressed for each client anew. Whoever has larger ones keeps a
	// compressed one beside them.
	maxCompressedFile = 1 << 20
	// maxCompressors bounds how many responses are compressed at once: each takes up to 1 MB, for as long as its
	// client reads. The others leave as they are.
	maxCompressors = 16
)

// compressor compresses what is text for clients that take gzip.
type compressor struct {
	wrap  func(http.Handler) http.HandlerFunc
	slots chan struct{} // one for each that is compressed at the moment
}

func newCompressor() *compressor {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(minCompressed), gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.SetContentType(false),
		gzhttp.ContentTypeFilter(isText), gzhttp.EnableZstd(false)) // whose encoders take several times as much memory
	if err != nil {
		panic(err) // it refuses levels and sizes that do not exist
	}
	return &compressor{wrap: wrap, slots: make(chan struct{}, maxCompressors)}
}

// serve has a response written, compressed where the client takes that.
func (c *compressor) serve(w http.ResponseWriter, r *http.Request, write func(w http.ResponseWriter)) {
	if r.Method == http.MethodHead || !accepts(r, "gzip") {
		write(w)
		return
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	default:
		write(w)
		return
	}
	c.wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { write(w) })).ServeHTTP(w, r)
}

// compressed has an application's response written, compressed where it may be and the client takes that.
func (h *Handler) compressed(w http.ResponseWriter, r *http.Request, resp *fcgi.Response, write func(w http.ResponseWriter)) {
	if hasBody(resp.Status) && resp.Status != http.StatusPartialContent && compressible(resp.Header) {
		h.compressor.serve(w, r, write)
	} else {
		write(w)
	}
}

// compressible tells whether an application's response may be compressed, for clients that take it. A strong ETag
// says that everybody gets the same bytes, and the application alone compares it, so that is left as it is.
func compressible(header http.Header) bool {
	for _, name := range []string{"Content-Encoding", "Content-Range", "Content-Digest", "Content-Md5", "Digest"} {
		if header.Get(name) != "" {
			return false
		}
	}
	if tag := header.Get("Etag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return false
	}
	return isText(header.Get("Content-Type")) && !strings.Contains(strings.ToLower(header.Get("Cache-Control")), "no-transform")
}

// isText tells whether a media type is one of text, which gzip makes much smaller. Event streams are to arrive as they
// are sent.
func isText(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	switch kind = strings.ToLower(strings.TrimSpace(kind)); kind {
	case "text/event-stream":
		return false
	case "application/json", "application/javascript", "application/x-javascript", "application/xml", "application/wasm", "font/ttf", "font/otf":
		return true
	}
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml")
}

// accepts tells whether a client takes a content coding that it names.
func accepts(r *http.Request, coding string) bool {
	for item := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		if !strings.Contains(item, ";") { // as is usual
			if strings.EqualFold(strings.TrimSpace(item), coding) {
				return true
			}
			continue
		}
		name, params, err := mime.ParseMediaType(item)
		if err != nil || name != coding {
			continue
		}
		weight, err := strconv.ParseFloat(params["q"], 64)
		return params["q"] == "" || err == nil && weight > 0
	}
	return false
}

// varyByEncoding tells caches that the response is another one where other codings are taken.
func varyByEncoding(header http.Header) {
	for _, value := range header.Values("Vary") {
		if value = strings.ToLower(value); value == "*" || strings.Contains(value, "accept-encoding") {
			return
		}
	}
	header.Add("Vary", "Accept-Encoding")
}
