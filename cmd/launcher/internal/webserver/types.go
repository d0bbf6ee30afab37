package webserver

import "strings"

// MediaType is a media type with the endings of the names of its files.
type MediaType struct {
	Name    string
	Endings string // without periods, blanks between
}

// mediaTypes covers what web applications keep in their static folder, a type and its endings a line.
const mediaTypes = `
text/html html htm
text/css css
text/javascript js mjs
application/json json map
application/manifest+json webmanifest
application/wasm wasm
text/plain txt
text/markdown md
text/csv csv
text/calendar ics
text/vtt vtt
application/xml xml
application/rss+xml rss
application/atom+xml atom
image/svg+xml svg
image/png png
image/jpeg jpg jpeg
image/gif gif
image/webp webp
image/avif avif
image/vnd.microsoft.icon ico
font/woff2 woff2
font/woff woff
font/ttf ttf
font/otf otf
audio/mpeg mp3
audio/ogg ogg
audio/wav wav
video/mp4 mp4
video/webm webm
application/pdf pdf
application/zip zip
application/gzip gz
`

// MediaTypes are those of static files, for a web server that is not told them elsewhere.
func MediaTypes() (types []MediaType) {
	for line := range strings.Lines(strings.TrimSpace(mediaTypes)) {
		name, endings, _ := strings.Cut(strings.TrimSpace(line), " ")
		types = append(types, MediaType{name, endings})
	}
	return types
}
