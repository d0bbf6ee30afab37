package lighttpd

// mimeType is the media type of files whose name ends with a suffix.
type mimeType struct {
	suffix, media string
}

// mimeTypes covers what web applications keep in their static folder. lighttpd
// has no table of its own, and takes the first suffix that fits, so the empty
// suffix, for all other files, is the last.
func mimeTypes() []mimeType {
	return []mimeType{
		{".html", "text/html; charset=utf-8"},
		{".htm", "text/html; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".mjs", "text/javascript; charset=utf-8"},
		{".json", "application/json"},
		{".map", "application/json"},
		{".webmanifest", "application/manifest+json"},
		{".wasm", "application/wasm"},
		{".txt", "text/plain; charset=utf-8"},
		{".md", "text/markdown; charset=utf-8"},
		{".csv", "text/csv; charset=utf-8"},
		{".ics", "text/calendar; charset=utf-8"},
		{".vtt", "text/vtt; charset=utf-8"},
		{".xml", "application/xml"},
		{".rss", "application/rss+xml"},
		{".atom", "application/atom+xml"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".jpg", "image/jpeg"},
		{".jpeg", "image/jpeg"},
		{".gif", "image/gif"},
		{".webp", "image/webp"},
		{".avif", "image/avif"},
		{".ico", "image/vnd.microsoft.icon"},
		{".woff2", "font/woff2"},
		{".woff", "font/woff"},
		{".ttf", "font/ttf"},
		{".otf", "font/otf"},
		{".mp3", "audio/mpeg"},
		{".ogg", "audio/ogg"},
		{".wav", "audio/wav"},
		{".mp4", "video/mp4"},
		{".webm", "video/webm"},
		{".pdf", "application/pdf"},
		{".zip", "application/zip"},
		{".gz", "application/gzip"},
		{"", "application/octet-stream"},
	}
}

func writeTypes(w *writer) {
	w.line("mimetype.assign = (")
	w.depth++
	for _, t := range mimeTypes() {
		w.line("%s => %s,", quote(t.suffix), quote(t.media))
	}
	w.depth--
	w.line(")")
}
