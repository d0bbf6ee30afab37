//go:build linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// witness is an application that writes down, before it does anything, all that is global in its process, and
// responds with the same as it is in a request; with "/foreign" what of it comes from the launcher's own code.
const witness = `
require "json"

def state_of_names
  main = TOPLEVEL_BINDING.receiver
  { constants: Object.constants.sort, globals: global_variables.sort, locals: TOPLEVEL_BINDING.local_variables.sort - %i[main],
    methods: (Object.private_instance_methods(false) + Object.instance_methods(false) + Kernel.private_instance_methods(false)).sort,
    main: main.singleton_methods(true).sort + main.instance_variables, environment: ENV.keys.sort, arguments: ARGV,
    features: $LOADED_FEATURES.map { |path| path.sub(%r{\A.*/}, "") }.sort, threads: Thread.current.keys.sort }
end

# Whatever the launcher has defined outside of its own module.
def foreign_names
  names = Object.constants.select { |name| Object.const_source_location(name).to_a.first.to_s.start_with?("launcher/", "/dev/fd/") }
  ObjectSpace.each_object(Module) do |space|
    next if space.name.to_s.start_with?("PreforkLauncher") || space.to_s.include?("PreforkLauncher")
    [space, space.singleton_class].each do |each|
      (each.instance_methods(false) + each.private_instance_methods(false)).each do |name|
        names << "#{each}##{name}" if each.instance_method(name).source_location.to_a.first.to_s.start_with?("launcher/")
      end
    end
  end
  names
end

File.write(ENV.fetch("WITNESS"), JSON.generate(state_of_names))
run(lambda do |env|
  [200, { "content-type" => "application/json" }, [JSON.generate(env["PATH_INFO"] == "/foreign" ? foreign_names : state_of_names)]]
end)
`

type nameSets map[string][]string

// added is what there is more of than in other, by kind.
func (n nameSets) added(other nameSets) nameSets {
	more := nameSets{}
	for kind, all := range n {
		if rest := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(other[kind], name) }); len(rest) > 0 {
			more[kind] = rest
		}
	}
	return more
}

func readNames(t *testing.T, text []byte) (n nameSets) {
	t.Helper()
	if err := json.Unmarshal(text, &n); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return n
}

// before are the methods of Ruby's that the launcher has something stand before, which calls them (scripts/temporary_files.rb).
var before = []string{"#<Class:ObjectSpace>#define_finalizer", "#<Class:ObjectSpace>#undefine_finalizer"}

// TestNamesAdded: one constant, in each process that has an application.
func TestNamesAdded(t *testing.T) {
	t.Parallel()
	plain := func(t *testing.T, root string, env []string) nameSets {
		cmd := exec.Command(tool(t, "ruby"), "-e", `%w[date delegate etc ipaddr set socket stringio tempfile time uri rack rack/builder].each { |library| require library }
			Rack::Builder.parse_file("config.ru")`)
		cmd.Dir, cmd.Env = root, append(append(cleanEnv(), "RAILS_ENV=production", "RACK_ENV=production"), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return readNamesOf(t, filepath.Join(root, "seen"))
	}
	for name, args := range map[string][]string{"preloader": {"1"}, "direct": {"1", "--spawn-method", "direct"}, "doctor": {"doctor"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := writeApp(t, map[string]string{"config.ru": witness, "config/launcher.rb": "after_fork { }\n"})
			env := []string{"WITNESS=" + filepath.Join(root, "seen")}
			without := plain(t, root, env)
			in := start(t, startOptions{root: root, args: args, env: env})
			if name == "doctor" {
				in.wait()
			} else {
				in.serving()
			}
			loading := readNamesOf(t, filepath.Join(root, "seen"))
			if more := loading.added(without); len(more["constants"]) != 1 || more["constants"][0] != "PreforkLauncher" || len(more) != 1 {
				// The test itself gives the launcher some variables.
				more["environment"] = slices.DeleteFunc(more["environment"], func(v string) bool { return strings.HasPrefix(v, "LAUNCHER_") || v == asLauncher })
				if len(more["environment"]) > 0 || len(more) > 2 || !slices.Equal(more["constants"], []string{"PreforkLauncher"}) {
					t.Errorf("added while it loads: %v", more)
				}
			}
			if name == "doctor" {
				return
			}
			if more := readNames(t, []byte(ask(t, in.socket(0), "/").body)).added(loading); len(more) > 1 || len(more["features"]) > 1 {
				t.Errorf("added in a request: %v", more)
			}
			var foreign []string
			err := json.Unmarshal([]byte(ask(t, in.socket(0), "/foreign").body), &foreign)
			foreign = slices.DeleteFunc(foreign, func(defined string) bool { return slices.Contains(before, defined) })
			if err != nil || !slices.Equal(foreign, []string{"PreforkLauncher"}) {
				t.Errorf("defined by the launcher: %v, %v", foreign, err)
			}
		})
	}
}

func readNamesOf(t *testing.T, path string) nameSets {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return readNames(t, text)
}

// TestNamesOfApplications: an application may have every name that the launcher uses inside, and whatever is obvious.
func TestNamesOfApplications(t *testing.T) {
	t.Parallel()
	config := `
raise "there is a DATA" if defined?(DATA)
%i[format sleep loop exit caller open print puts warn rand select test system spawn load catch at_exit now step report].each do |name|
  Object.send(:private, Object.send(:define_method, name) { |*| raise "mine: #{name}" }) # as def does in a file
end
mine = PreforkLauncher.constants + %i[Launcher DATA Worker Settings FastCGI Heap Supervisor Slot Record Responder Request Response]
mine.uniq.each { |name| Object.const_set(name, Module.new { def self.answer; "mine"; end }) unless Object.const_defined?(name) }
module Launcher
  class Settings; end
end
class Launcher::Record; def self.open; "opened"; end; end
run(->(env) { [200, { "content-type" => "text/plain" }, [mine.map { |name| Object.const_get(name) }.map { |space| space.respond_to?(:answer) ? space.answer : space }.uniq.join(" "), " ", Launcher::Record.open, File.read("/proc/self/cmdline")[/ refork=1/].to_s]] })
`
	for name, args := range map[string][]string{"smart": {"1", "--refork-after", "2"}, "direct": {"1", "--spawn-method", "direct"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := writeApp(t, map[string]string{"config.ru": config,
				"config/launcher.rb": "raise 'not mine' unless Settings.answer == 'mine'\nbefore_fork { Worker.answer }\nafter_fork { |slot| Heap.answer && Launcher::Settings.new }\n"})
			in := start(t, startOptions{root: root, args: args}).serving()
			for range 3 {
				if a := ask(t, in.socket(0), "/"); a.status != 200 || !strings.Contains(a.body, " opened") || !strings.HasPrefix(a.body, "mine") {
					t.Fatalf("%v", a)
				}
			}
			if name == "smart" {
				in.waitLine(`msg="preloader was forked from a warm worker"`)
				in.waitFor("a worker of the second preloader", func() bool {
					a := ask(t, in.socket(0), "/")
					return a.status == 200 && strings.HasSuffix(a.body, " refork=1")
				})
			}
		})
	}
}

// TestNamesOfModels: Rails loads classes of these names from files.
func TestNamesOfModels(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"app/controllers/launchers_controller.rb": `class LaunchersController < ApplicationController
  def index
    render plain: [Launcher.count, Worker.name, Settings.new.name, Launcher::Settings.name, Preloader.name].join(" ")
  end
end`,
		"app/models/launcher.rb":          "class Launcher < ApplicationRecord\n  self.table_name = 'posts'\nend\n",
		"app/models/launcher/settings.rb": "class Launcher\n  class Settings; end\nend\n",
		"app/models/settings.rb":          "class Settings\n  def name; 'mine'; end\nend\n",
		"app/models/preloader.rb":         "module Preloader; end\n",
		"app/models/worker.rb":            "class Worker; end\n",
	}
	root := copyApp(t, "blog")
	for name, text := range files {
		write(t, filepath.Join(root, name), text)
	}
	routes, err := os.ReadFile(filepath.Join(root, "config/routes.rb"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "config/routes.rb"), strings.Replace(string(routes), "routes.draw do", "routes.draw do\n  resources :launchers", 1))
	in := start(t, startOptions{root: root, args: []string{"1"}}).serving()
	if a := ask(t, in.socket(0), "/launchers"); a.status != 200 || !strings.HasSuffix(a.body, " Worker mine Launcher::Settings Preloader") {
		t.Errorf("%v", a)
	}
}
