package report

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"unicode"
)

func TestHostileTextsStayTexts(t *testing.T) {
	dir := write(t, hostile())
	page := string(content(t, dir, "report.html"))
	for _, bad := range []string{"<script", "\x1b", "\x00", "ZgotmplZ", "\u202e"} {
		if strings.Contains(page, bad) {
			t.Errorf("report.html has %q", bad)
		}
	}
	if !strings.Contains(page, "a&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;") {
		t.Error("report.html does not have the text escaped once")
	}
	if strings.Contains(page, "$x$ :var(") || !strings.Contains(page, "$x$ :#0072B2 ]]&gt;") {
		t.Error("a text that looks like a colour became a variable")
	}
	markdown := string(content(t, dir, "report.md"))
	markdown, _, _ = strings.Cut(markdown, "````") // commands are as they are
	if strings.Contains(markdown, "<script") || strings.Contains(markdown, "[x](y)") {
		t.Error("report.md has the texts unescaped")
	}
	terminal := printed(t, hostile(), 100)
	for _, char := range terminal {
		if char != '\n' && !unicode.IsGraphic(char) {
			t.Errorf("the terminal gets %U", char)
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(content(t, dir, "samples.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, row := range rows {
		found = found || strings.Contains(row[0], "\x1b[31m")
	}
	if !found {
		t.Error("samples.csv does not have the name as it was")
	}
}

// A cell with a bar and a line break must not become two.
func TestMarkdownTablesHaveTheirColumns(t *testing.T) {
	bars := 0
	for _, line := range strings.Split(string(newDocument(hostile()).markdown()), "\n") {
		if !strings.HasPrefix(line, "|") {
			bars = 0
			continue
		}
		got := strings.Count(line, "|") - strings.Count(line, `\|`)
		if bars > 0 && got != bars {
			t.Errorf("%d bars and not %d in %q", got, bars, line)
		}
		bars = got
	}
}
