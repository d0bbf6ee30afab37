//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// heapApp returns what its own children would inherit of Ruby's variables, and how often
// it was asked for /posts.
func heapApp(t *testing.T) string {
	return writeApp(t, map[string]string{"config.ru": `
		asked = Hash.new(0)
		run ->(env) do
		  asked[env.values_at("HTTP_HOST", "HTTP_ACCEPT_LANGUAGE", "PATH_INFO").compact.join(" ")] += 1
		  raise "no such page" if env["PATH_INFO"] == "/raise"
		  variables = ENV.to_h.map { |pair| pair.join("=") }.grep(/\A(RUBY_GC|MALLOC)_/)
		  [200, {}, [variables.sort.join(" "), "\n", asked.inspect, "\n"]]
		end`})
}

// TestHeapSizeIsLearned starts twice: the second time Ruby is told how large its heap will be.
func TestHeapSizeIsLearned(t *testing.T) {
	t.Parallel()
	root := heapApp(t)
	// A Ruby that keeps what it was started with; the title that it gets overwrites what /proc shows.
	ruby, told := filepath.Join(root, "ruby"), filepath.Join(root, "told")
	write(t, ruby, fmt.Sprintf("#!/bin/sh\nenv >%s\nexec %s \"$@\"\n", told, tool(t, "ruby")))
	if err := os.Chmod(ruby, 0o700); err != nil {
		t.Fatal(err)
	}
	options := startOptions{root: root, args: []string{"1", "--ruby", ruby}, env: []string{"RUBY_GC_OLDMALLOC_LIMIT=99999999"}}
	sized := regexp.MustCompile(`(?m)^RUBY_GC_HEAP_(\d_)?INIT_SLOTS=\d{4,}$`)
	for again := range 2 {
		in := start(t, options).serving()
		text, err := os.ReadFile(told)
		if err != nil {
			t.Fatal(err)
		}
		if sized.Match(text) != (again == 1) || !strings.Contains(string(text), "RUBY_GC_OLDMALLOC_LIMIT=99999999\n") {
			t.Errorf("start %d: Ruby was told\n%s", again, text)
		}
		if body := ask(t, in.socket(0), "/").body; !strings.HasPrefix(body, "RUBY_GC_OLDMALLOC_LIMIT=99999999\n") {
			t.Errorf("start %d: the application's children would inherit\n%s", again, body)
		}
		in.signal(syscall.SIGTERM)
		in.wait()
	}
}

// TestWarmup has four requests before and four after the compaction. A page that fails is no obstacle.
func TestWarmup(t *testing.T) {
	t.Parallel()
	in := start(t, startOptions{root: heapApp(t), args: []string{"--warmup", "/posts", "1", "--warmup", "/raise",
		"--warmup-host", "shop.example", "--warmup-header", "Accept-Language: de, en"}}).serving()
	body := ask(t, in.socket(0), "/").body
	for _, part := range []string{`"shop.example de, en /posts"=>8`, `"shop.example de, en /raise"=>8`} {
		if !strings.Contains(strings.ReplaceAll(body, " => ", "=>"), part) {
			t.Errorf("after the warm-up, without %s:\n%s", part, body)
		}
	}
	in.waitLine(`warm-up: /raise RuntimeError: no such page`)
}
