package ruby

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"launcher/preforker/internal/testdir"
)

func TestHeapFile(t *testing.T) {
	dir := t.TempDir()
	ruby := filepath.Join(dir, "ruby")
	if err := os.WriteFile(ruby, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	app := App{Root: "/srv/shop", Entry: "config.ru"}
	slots := map[string]int{"40": 155000}
	if _, known, err := NewHeapFile(dir, ruby, app).read(); known || err != nil {
		t.Errorf("no file: %v, %v", known, err)
	}
	if err := NewHeapFile(dir, ruby, app).Write("3.1.2", slots); err != nil {
		t.Fatal(err)
	}
	record, known, err := NewHeapFile(dir, ruby, app).read()
	if !known || err != nil || record.Version != "3.1.2" || !maps.Equal(record.Slots, slots) {
		t.Errorf("read %+v, %v, %v", record, known, err)
	}
	if _, known, err := NewHeapFile(dir, ruby, App{Root: "/srv/blog", Entry: "config.ru"}).read(); known || err != nil {
		t.Errorf("another application: %v, %v", known, err)
	}
	if err := os.Chtimes(ruby, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, known, err := NewHeapFile(dir, ruby, app).read(); known || err != nil {
		t.Errorf("another Ruby: %v, %v", known, err)
	}
	if left := testdir.Names(t, dir); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}

func TestHeapFileThatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	file := NewHeapFile(dir, "/bin/ruby", App{})
	for _, text := range []string{"", "{", "[]", `{"slots":{"40":"many"}}`,
		`{"slots":{"40":1000000000000}}`, `{"slots":{"40":9223372036854775807,"80":1}}`, `{"slots":{"40":99999999999999999999}}`,
		`{"slots":{"40":20000000,"80":10000000}}`, `{"slots":{"0":1}}`, `{"slots":{"-40":1}}`, `{"slots":{"40":-1}}`, `{"slots":{"x":1}}`,
		`{"slots":{` + strings.Repeat(`"1":1,`, 40) + strings.Join(manySizes(), ",") + `}}`, strings.Repeat("\x00", 100)} {
		if err := os.WriteFile(file.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, known, err := file.read(); known || err == nil {
			t.Errorf("%q: %v, %v", text, known, err)
		}
	}
	testdir.TenGigabytes(t, file.path)
	if _, known, err := file.read(); known || err == nil {
		t.Errorf("ten gigabytes: %v, %v", known, err)
	}
	for name, put := range testdir.NotFiles {
		file := NewHeapFile(testdir.Short(t), "/bin/ruby", App{})
		put(t, file.path)
		if _, known, err := file.read(); known || err == nil {
			t.Errorf("%s: %v, %v", name, known, err)
		}
	}
	if err := NewHeapFile(filepath.Join(dir, "nowhere"), "/bin/ruby", App{}).Write("3.1.2", nil); err == nil {
		t.Error("written into a folder that is not there")
	}
}

// manySizes are more than any Ruby has.
func manySizes() (sizes []string) {
	for size := range maxHeapSizes + 1 {
		sizes = append(sizes, fmt.Sprintf(`"%d":1`, size+1))
	}
	return sizes
}
