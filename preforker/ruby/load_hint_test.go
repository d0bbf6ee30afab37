package ruby

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
)

// TestHintsFitTheirCause: what Bundler, Ruby, Rails and drivers of databases say, and what mends
// it.
func TestHintsFitTheirCause(t *testing.T) {
	for _, test := range []struct{ class, message, try string }{
		{"Bundler::RubyVersionMismatch", "Your Ruby version is 3.1.2, but your Gemfile specified 3.9.9", `^run it with the Ruby of its Gemfile, 3\.9\.9: .*--ruby`},
		{"Bundler::GemNotFound", "Could not find rake-13.0 in locally installed gems", `bundle install$`},
		{"Bundler::GemNotFound", "Could not find byebug-11.1 in any of the sources (it is only in groups that no production needs: development, test)",
			`^leave the groups out that are not installed \(development, test\).*BUNDLE_WITHOUT`},
		{"Bundler::GemNotFound", "You have requested:\n  rack >= 3\n\nThe bundle currently has rack locked at 2.2.\nTry running `bundle update rack`", `bundle update`},
		{"Bundler::ProductionError", "You are trying to install in deployment mode after changing\nyour Gemfile. Run `bundle install` elsewhere and add the\nupdated Gemfile.lock",
			`^bring the Gemfile\.lock that fits.*frozen`},
		{"Bundler::ProductionError", "Your bundle only supports platforms [\"java\"] but your local platform is x86_64-linux. Add the current platform to the lockfile with\n`bundle lock --add-platform x86_64-linux` and try again.",
			`bundle lock --add-platform x86_64-linux`},
		{"Bundler::LockfileError", "Your Gemfile.lock contains merge conflicts.", `^mend Gemfile\.lock`},
		{"Bundler::Dsl::DSLError", "There was an error parsing `Gemfile`", `^mend the file and line`},
		{"Bundler::GemfileNotFound", "/nowhere/Gemfile not found", `BUNDLE_GEMFILE`},
		{"Bundler::PathError", "The path `/srv/foo` does not exist.", `path:`},
		{"Bundler::GitError", "The git source https://example.org is not yet checked out. Please run `bundle install`", `bundle install$`},
		{"Bundler::PermissionError", "There was an error while trying to write to `/srv/Gemfile.lock`.", `sudo -u`},
		{"Bundler::Dsl::DSLError", "(its message raised Errno::EACCES) (caused by Bundler::PermissionError: There was an error while trying to read from `/srv/Gemfile`.)", `sudo -u`},
		{"Bundler::GemRequireError", "There was an error while trying to load the gem 'pg'.\nGem Load Error is: libpq.so.5: cannot open shared object file: No such file", `library that has libpq\.so\.5`},
		{"Bundler::GemRequireError", "There was an error while trying to load the gem 'foo'.\nGem Load Error is: undefined method", `^mend the gem`},
		{"Gem::LoadError", "You have already activated rack 2.2.22, but your Gemfile requires rack 2.2.8.", `bundle update`},
		{"Gem::MissingSpecVersionError", "Could not find 'bundler' (2.9.9) required by your /srv/Gemfile.lock.", `gem install bundler:2\.9\.9`},

		{"LoadError", "cannot load such file -- rack", `^add gem "rack" to the Gemfile`},
		{"LoadError", "cannot load such file -- rack/builder\nDid you mean?", `^add gem "rack" to the Gemfile`},
		{"LoadError", "cannot load such file -- rackup", `gem "rackup"`},
		{"LoadError", "cannot load such file -- bundler", `^install Bundler`},
		{"LoadError", "cannot load such file -- rails", `gem that has rails to the Gemfile`},
		{"LoadError", "cannot load such file -- sinatra", `gem that has sinatra.*BUNDLE_WITHOUT`},
		{"LoadError", "cannot load such file -- /srv/app/lib/a.rb", `^bring the file along`},
		{"LoadError", "incompatible library version - /srv/vendor/bundle/nokogiri.so", `bundle pristine`},
		{"LoadError", "/srv/pg_ext.so: wrong ELF class: ELFCLASS32 - /srv/pg_ext.so", `bundle pristine`},
		{"LoadError", "libssl.so.1.1: cannot open shared object file: No such file or directory - /srv/openssl.so", `libssl\.so\.1\.1`},
		{"LoadError", "It seems your ruby installation is missing psych (for YAML output).", `libyaml`},

		{"ArgumentError", "Missing `secret_key_base` for 'production' environment, set this string with `bin/rails credentials:edit`", `SECRET_KEY_BASE`},
		{"ActiveSupport::EncryptedFile::MissingKeyError", "Missing encryption key to decrypt file with.", `RAILS_MASTER_KEY`},
		{"ActiveSupport::MessageEncryptor::InvalidMessage", "ActiveSupport::MessageEncryptor::InvalidMessage", `credentials\.yml\.enc`},
		{"RuntimeError", "Could not load database configuration. No such file - [\"config/database.yml\"]", `^write config/database\.yml`},
		{"ActiveRecord::AdapterNotSpecified", "The `staging` database is not configured for the `production` environment.", `--environment`},
		{"LoadError", "Error loading the 'postgresql' Active Record adapter. Missing a gem it depends on? pg is not part of the bundle. (caused by Gem::LoadError: pg is not part of the bundle. Add it to your Gemfile.)", `Gemfile`},
		{"ActiveRecord::NoDatabaseError", "We could not find your database: shop_production.", `db:prepare`},
		{"ActiveRecord::PendingMigrationError", "Migrations are pending.", `db:migrate`},
		{"ActiveRecord::StatementInvalid", "SQLite3::SQLException: no such table: settings (caused by SQLite3::SQLException: no such table: settings)", `db:prepare`},
		{"ActiveRecord::StatementInvalid", "Could not find table 'posts'", `db:prepare`},
		{"Zeitwerk::NameError", "expected file app/models/a.rb to define constant A, but didn't", `zeitwerk:check`},
		{"TypeError", "the application, of the class Integer, does not answer to call", `^end config\.ru with run`},
		{"RuntimeError", "missing run or map statement", `config\.ru`},

		{"ActiveRecord::ConnectionNotEstablished", "connection to server on socket failed (caused by PG::ConnectionBad: connection to server)", `^start the server`},
		{"Redis::CannotConnectError", "Connection refused - connect(2) for 127.0.0.1:6379", `^start the server`},
		{"Errno::ECONNREFUSED", "Connection refused - connect(2)", `^start the server`},
		{"Errno::EADDRINUSE", "Address already in use - bind(2) for 127.0.0.1:9394", `ss -lpn`},
		{"Errno::EACCES", "Permission denied @ rb_sysopen - /srv/log/production.log", `sudo -u`},
		{"RuntimeError", "no log (caused by Errno::EACCES: Permission denied @ rb_sysopen - x)", `sudo -u`},
		{"Errno::EROFS", "Read-only file system @ dir_s_mkdir - tmp/cache", `ReadWritePaths`},
		{"Errno::ENOSPC", "No space left on device @ fptr_finalize_flush", `^make room`},
		{"Errno::EMFILE", "Too many open files", `LimitNOFILE`},
		{"Errno::EAGAIN", "Resource temporarily unavailable - fork(2)", `TasksMax`},
		{"ThreadError", "can't create Thread: Resource temporarily unavailable", `TasksMax`},
		{"Errno::ENOMEM", "Cannot allocate memory - fork(2)", `MemoryMax`},
		{"NoMemoryError", "failed to allocate memory", `MemoryMax`},
		{"SyntaxError", "config.ru:1: invalid multibyte char (US-ASCII)", `LANG=C\.UTF-8`},
		{"ArgumentError", "invalid byte sequence in US-ASCII", `LANG=C\.UTF-8`},
		{"SyntaxError", "/srv/config.ru:3: syntax error, unexpected end-of-input", `^mend the file and line`},

		{"TypeError", "the application, of the class Integer, does not answer to call", `^end config\.ru with run`},
		{"RuntimeError", "missing run or map statement", `run Rails\.application.*run Sinatra::Application`},
		{"LoadError", "cannot load such file -- lib/settings", `(?s)^find what has lib/settings: .*\./lib/settings`},
		{"LoadError", "cannot load such file -- active_support/all", `^add the gem that has active_support to`},

		{"KeyError", "key not found: :mail", `^see it without the launcher`},
		{"Settings::Missing", "no setting called PAYMENT_KEY", `^see it without the launcher`},
		{"NameError", "uninitialized constant Permission", `^see it without the launcher`},
		{"Errno::ENOENT", "No such file or directory @ rb_sysopen - config/shop.yml", `^see it without the launcher`},
	} {
		if got := hintFor(wire.Failure{Class: test.class, Message: test.message}); !regexp.MustCompile(test.try).MatchString(got) {
			t.Errorf("%s: %s\n  %q is not like %q", test.class, test.message, got, test.try)
		}
	}
}

// They are compiled where an application does not load, and must not fail there.
func TestExpressionsOfHintsCompile(t *testing.T) {
	for _, hint := range slices.Concat(loadHints, startHints, errnoHints) {
		for _, e := range []expression{hint.class, hint.message, cause} {
			if _, err := regexp.Compile(string(e)); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestHintsOfWhatIsNotLoading: Ruby does not start, is not one, or is ended.
func TestHintsOfWhatIsNotLoading(t *testing.T) {
	lines := func(lines ...string) LoadEnd {
		return LoadEnd{Exit: ident.ExitStatus{Code: 1}, Lines: lines, Silent: true}
	}
	for name, test := range map[string]struct {
		end LoadEnd
		try string
	}{
		"no process": {LoadEnd{Start: syscall.EAGAIN}, "TasksMax"},
		"no memory":  {LoadEnd{Start: syscall.ENOMEM}, "MemoryMax"},
		"no files":   {LoadEnd{Start: syscall.EMFILE}, "LimitNOFILE"},
		"no program": {LoadEnd{Start: syscall.ENOEXEC}, "--ruby"},
		"no entry":   {LoadEnd{Start: syscall.EACCES}, "chmod"},
		"forgotten":  {LoadEnd{Start: errors.New("fork/exec /usr/bin/ruby: resource temporarily unavailable")}, "TasksMax"},
		"no proc":    {lines("ruby: No such file or directory -- /dev/fd/3 (LoadError)"), "^mount /proc"},
		"rbenv":      {lines("rbenv: version `3.2.1' is not installed (set by /srv/.ruby-version)"), `rbenv install 3\.2\.1`},
		"libruby":    {lines("ruby: error while loading shared libraries: libruby-3.1.so.3.1: cannot open"), `libruby-3\.1\.so\.3\.1`},
		"RUBYOPT":    {lines("<internal:rubygems>: cannot load such file -- nope (LoadError)"), "^mend RUBYOPT"},
		"python":     {lines("  File \"/dev/fd/3\", line 11", "SyntaxError: invalid syntax"), "^name another Ruby"},
		"RUBYOPT 2":  {lines("/usr/bin/ruby: invalid option --nope  (-h will show valid options) (RuntimeError)"), "^mend RUBYOPT"},
		"cat":        {lines("the program that it was given"), "^name another Ruby"},
		"out of memory": {LoadEnd{Exit: ident.ExitStatus{Signal: ident.Signal(syscall.SIGKILL)}},
			"memory was short"},
		"crash":  {LoadEnd{Exit: ident.ExitStatus{Signal: ident.Signal(syscall.SIGSEGV)}}, "C extension"},
		"silent": {LoadEnd{Exit: ident.ExitStatus{Code: 4}}, "^see it without the launcher"},
	} {
		var user interface{ Hint() string }
		if err := test.end.Err(); !errors.As(err, &user) || !regexp.MustCompile(test.try).MatchString(user.Hint()) {
			t.Errorf("%s: %q is not like %q", name, user.Hint(), test.try)
		}
	}
	exits := LoadEnd{Failed: &wire.Failed{Stage: "load", Error: wire.Failure{Class: "SystemExit", Message: "status 1"}},
		Lines: []string{"Missing encryption key to decrypt file with. Ask your team for your master key"}}
	if err := exits.Err(); !strings.Contains(err.(*LoadError).Try, "RAILS_MASTER_KEY") {
		t.Errorf("%v: %q", err, err.(*LoadError).Try)
	}
	late := LoadEnd{Silent: true, TimedOut: true, Timeout: time.Minute}.Err()
	if !strings.Contains(late.Error(), "is it a Ruby?") || strings.Contains(late.(*LoadError).Try, "boot-timeout") {
		t.Errorf("%v", late)
	}
}

func TestFailedForkSaysWhatTheMachineRefuses(t *testing.T) {
	got := FailureError(wire.Failure{Class: "Errno::EAGAIN", Message: "Resource temporarily unavailable - fork(2)"}).Error()
	if !strings.HasSuffix(got, "fork(2) ("+processesShort+")") {
		t.Errorf("%q", got)
	}
}
