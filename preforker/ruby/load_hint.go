package ruby

import (
	"regexp"
	"strings"
	"syscall"

	"launcher/preforker/ident"
	"launcher/preforker/internal/wire"
)

// loadHint is what to do about an exception that is like this one. In the advice $1 stands for a
// part of the message.
type loadHint struct {
	class, message expression
	try            string
}

func hinted(class, message, try string) loadHint {
	return loadHint{class: expression(class), message: expression(message), try: try}
}

// expression is a regular expression that is compiled when it is used. All of these at once are a
// quarter of the heap of a supervisor, which hardly ever needs one.
type expression string

func (e expression) compiled() *regexp.Regexp { return regexp.MustCompile(string(e)) }

// anyError is the advice where nothing is known of the exception.
const anyError = "see it without the launcher, in the same environment: bin/rails runner 1 (Rails), rackup (Rack)"

// loadHints are looked through in this order. A class may be one of those that an exception was
// caused by, which the Ruby side adds to the message: "… (caused by PG::ConnectionBad: …)".
var loadHints = []loadHint{
	// Bundler has a class for nearly everything, and "bundle install" mends but one of them.
	hinted(`^Bundler::PermissionError$`, ``, permissions),
	hinted(`^Bundler::RubyVersionMismatch$`, `Gemfile specified (.+)`, "run it with the Ruby of its Gemfile, $1: name that with --ruby, or change the line ruby of the Gemfile"),
	hinted(`^Bundler::RubyVersionMismatch$`, ``, "run it with the Ruby of its Gemfile: name that with --ruby, or change the line ruby of the Gemfile"),
	hinted(`^Bundler::GemfileNotFound$`, ``, "set BUNDLE_GEMFILE to the application's Gemfile, or unset it"),
	hinted(`^Bundler::(GemfileError|Dsl::DSLError|GemfileEvalError|GemspecError|YamlSyntaxError)$`, ``, "mend the file and line that the message names"),
	hinted(`^Bundler::LockfileError$`, ``, "mend Gemfile.lock: take the one of the release from version control"),
	hinted(`^Bundler::(ProductionError|FrozenError)$`, `--add-platform (\S+)`,
		"have Gemfile.lock know this machine: run bundle lock --add-platform $1 where the application is developed, and bring that Gemfile.lock here"),
	hinted(`^Bundler::(ProductionError|FrozenError)$`, ``,
		"bring the Gemfile.lock that fits the Gemfile: run bundle install where the application is developed. Here the bundle is frozen (BUNDLE_FROZEN, BUNDLE_DEPLOYMENT, .bundle/config)"),
	hinted(`^Bundler::GemNotFound$`, `only in groups? that no \S+ needs: ([\w, -]+)\)`,
		"leave the groups out that are not installed ($1), as they were at bundle install: BUNDLE_WITHOUT, or bundle config set --local without"),
	hinted(`^Bundler::GemNotFound$`, `currently has \S+ locked|Try running .bundle update`, "bring Gemfile and Gemfile.lock together: bundle install, or bundle update of the gem that the message names"),
	hinted(`^Bundler::PathError$`, ``, "bring the folder that the Gemfile names with path: along with the application"),
	hinted(`^Bundler::(GemNotFound|GitError|InstallError|GemspecError)$`, ``, "install its gems, with the same Ruby and for the same user: bundle install"),
	hinted(`^(Gem::.*|LoadError)$`, `Could not find 'bundler' \(([^)]+)\)`, "install the Bundler that Gemfile.lock names (gem install bundler:$1), or have it name the one that is installed (bundle update --bundler)"),
	hinted(`^Gem::LoadError$`, `already activated`, "have Gemfile.lock name the version that is there: bundle update of that gem; something loads it before the bundle (RUBYOPT, rubygems plugins)"),
	hinted(`^Gem::(MissingSpec|Load)`, ``, "add that gem to the Gemfile, and install it: bundle install"),

	// Libraries. A file that is not there is another thing than one that does not fit.
	hinted(``, `cannot load such file -- bundler\b`, "install Bundler for this Ruby: gem install bundler, or apt-get install bundler; or name the application's Ruby with --ruby"),
	hinted(``, `cannot load such file -- rack(/\S*)?(\s|\)|$)`, `add gem "rack" to the Gemfile and install it (bundle install); with no Gemfile: gem install rack, or apt-get install ruby-rack`),
	hinted(``, `cannot load such file -- rackup\b`, `add gem "rackup" to the Gemfile and install it (bundle install): Rack 3 has it no more`),
	hinted(``, `incompatible library version|wrong ELF class|undefined symbol|linked to incompatible|invalid ELF header`,
		"compile its gems anew for this Ruby and machine: bundle pristine, or remove them (vendor/bundle) and bundle install"),
	hinted(``, `(lib[\w.+-]+\.so[\w.]*): cannot open shared object file`, "install the library that has $1 (apt-file search $1), or compile the gem anew against the one that is there: bundle pristine"),
	hinted(``, `missing psych|libyaml`, "install libyaml (apt-get install libyaml-0-2), and compile this Ruby again if it was built without it (libyaml-dev)"),
	hinted(``, `cannot load such file -- (/\S+)`, "bring the file along that is named: it is not there, or this user may not read it"),
	hinted(``, `cannot load such file -- ((?:lib|app|config|src|models|helpers|controllers|routes)/\S+)`,
		"find what has $1: Ruby does not look in the application's folder by itself, so a file of its own is required as ./$1 or with require_relative"),
	hinted(``, `cannot load such file -- (\w[^/\s)]*)`, "add the gem that has $1 to the Gemfile, outside of groups that are not installed (BUNDLE_WITHOUT), and install it: bundle install"),
	hinted(``, `cannot load such file -- (\S+)`, "find what has $1: a gem that the Gemfile does not name, or a file that is not there"),
	hinted(`^Bundler::GemRequireError$`, ``, "mend the gem that the message names: its own code fails, with the error that is shown behind it"),

	// What Rails wants to be told.
	hinted(``, `secret_key_base|SECRET_KEY_BASE`, "set SECRET_KEY_BASE for the launcher, or bring config/master.key (RAILS_MASTER_KEY), in the same environment"),
	hinted(``, `EncryptedFile::MissingKeyError|Missing encryption key to decrypt`, "bring config/master.key, readable for this user, or set RAILS_MASTER_KEY for the launcher"),
	hinted(`MessageEncryptor::InvalidMessage$|EncryptedFile::InvalidKeyLengthError$`, ``, "bring the config/master.key (RAILS_MASTER_KEY) that config/credentials.yml.enc was written with"),
	hinted(``, `Could not load database configuration|config/database\.yml`, "write config/database.yml for this environment, or set DATABASE_URL"),
	hinted(`AdapterNotSpecified$`, ``, "write this environment into config/database.yml (which one it is: --environment), or set DATABASE_URL"),
	hinted(``, `AdapterNotFound|database configuration specifies nonexistent`, "add the database's gem to the Gemfile (pg, mysql2, sqlite3), and install it: bundle install"),
	hinted(`NoDatabaseError$`, ``, "create the database (bin/rails db:prepare), or mend its name in config/database.yml"),
	hinted(`^ActiveRecord::PendingMigrationError$`, ``, "bring the database up to date: bin/rails db:migrate"),
	hinted(``, `no such table|Could not find table|UndefinedTable|relation "\S+" does not exist|Table '\S+' doesn't exist`,
		"bring the database up to date (bin/rails db:prepare), in the same environment: loading asks it for a table"),
	hinted(`^Zeitwerk::NameError$`, ``, "name the file as its constant: bin/rails zeitwerk:check"),
	hinted(`^TypeError$`, `does not answer to call; its instances do \((run [^)]+)\)`, "end config.ru with $1"),
	hinted(`^TypeError$`, `the application, .* does not answer to call`, "end config.ru with run and the application, an object that answers to call: run Rails.application, run Sinatra::Application"),
	hinted(`^RuntimeError$`, `missing run or map statement`, "end config.ru with run and the application: run Rails.application, run Sinatra::Application"),

	// The machine, and who may do what on it.
	hinted(``, `ConnectionNotEstablished|ConnectionBad|ConnectionError|CannotConnect|DatabaseConnectionError|ECONNREFUSED|NoServerAvailable|could not connect to server`,
		"start the server that loading asks, or mend where it is looked for (config/database.yml, DATABASE_URL, REDIS_URL)"),
	hinted(`^(SocketError|Resolv|Socket::ResolutionError)`, ``, "mend the host name that loading asks for, or this machine's name service (/etc/resolv.conf)"),
	hinted(``, `Errno::EADDRINUSE`, "end what has that port or socket (ss -lpn), or have loading bind another: each reload binds it once more beside the old one"),
	hinted(``, `Errno::EACCES|Errno::EPERM|Permission denied`, permissions),
	hinted(``, `Errno::EROFS`, "let the launcher write there: the file system is read-only (in a unit of systemd: ReadWritePaths=)"),
	hinted(``, `Errno::(ENOSPC|EDQUOT)`, "make room on the disk that the message names (df, df -i)"),
	hinted(``, `Errno::EMFILE|Errno::ENFILE`, "allow more open files: ulimit -n, or LimitNOFILE= in a unit of systemd"),
	hinted(``, `Errno::EAGAIN.*fork|can't create Thread`, processesShort),
	hinted(``, `Errno::ENOMEM|NoMemoryError|failed to allocate memory`, memoryShort),

	// The code itself.
	hinted(``, `invalid multibyte char \(US-ASCII\)|invalid byte sequence in US-ASCII|"\\x\w\w" (from ASCII-8BIT|on US-ASCII)`,
		"start the launcher with a locale that is UTF-8: LANG=C.UTF-8"),
	hinted(`^SyntaxError$`, ``, "mend the file and line that the message names; it may be written for a newer Ruby (--ruby)"),
}

const (
	permissions    = "start the launcher as the user who may read and write the application's files, for instance with sudo -u www-data"
	processesShort = "allow more processes and threads: ulimit -u, TasksMax= in a unit of systemd, pids.max of the control group"
	memoryShort    = "give it more memory, or lift the limit (ulimit -v, MemoryMax= in a unit of systemd)"
)

// startHints are for a Ruby that did not come so far as to say what it is, by what it printed.
var startHints = []loadHint{
	hinted(``, `(?:rbenv|pyenv)?: version .(\S+)' is not installed`, "install Ruby $1 (rbenv install $1), or name another one with --ruby"),
	hinted(``, `(asdf|mise|rvm|chruby)\b.*|No (preset )?version is set`, "choose a version with what manages this user's Rubies, or name another one with --ruby"),
	hinted(``, `error while loading shared libraries: (\S+):`, "install the library that has $1, or name another Ruby with --ruby"),
	hinted(``, `(?i)no such file.*(/dev/fd/3|/proc/self/fd)\b`, "mount /proc, and have /dev/fd lead to /proc/self/fd: Ruby is given its program there"),
	hinted(``, `RUBYOPT|invalid (option|switch) .*\(RuntimeError\)|cannot load such file -- (\S+)`, "mend RUBYOPT and RUBYLIB, or unset them: what they name cannot be loaded"),
	hinted(``, `can't create Thread|Resource temporarily unavailable`, processesShort),
	hinted(``, `failed to allocate memory|Cannot allocate memory`, memoryShort),
}

// errnoHints are for a Ruby that could not be started at all, by the kernel's words.
var errnoHints = []loadHint{
	hinted(``, `resource temporarily unavailable`, processesShort),
	hinted(``, `cannot allocate memory`, memoryShort),
	hinted(``, `too many open files`, "allow more open files: ulimit -n, or LimitNOFILE= in a unit of systemd"),
	hinted(``, `exec format error`, "name another Ruby with --ruby: this is no program for this machine, nor a script with an interpreter (#!)"),
	hinted(``, `argument list too long`, "make the environment smaller"),
	hinted(``, `no such file or directory`, "see that its interpreter (#! in its first line) is there, and the application's folder; or name another Ruby with --ruby"),
	hinted(``, `permission denied`, "let this user run it and enter the application's folder (noexec, chmod +x), or name another Ruby with --ruby"),
}

// ofText is the first advice of some that fits a text.
func ofText(hints []loadHint, text, otherwise string) string {
	for _, hint := range hints {
		message := hint.message.compiled()
		if match := message.FindStringSubmatchIndex(text); match != nil {
			return string(message.ExpandString(nil, hint.try, text, match))
		}
	}
	return otherwise
}

// ofExit is what to do about a Ruby that was ended while it loaded the application.
func ofExit(exit ident.ExitStatus, otherwise string) string {
	switch syscall.Signal(exit.Signal) {
	case syscall.SIGKILL:
		return "see whether the kernel killed it because memory was short (journalctl -k, dmesg: out of memory), and give it more"
	case syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGILL, syscall.SIGABRT, syscall.SIGFPE:
		return "find the C extension that crashed in what it printed ([BUG], C level backtrace), and compile it anew for this Ruby: bundle pristine"
	case syscall.SIGXCPU, syscall.SIGXFSZ:
		return "lift the limit of this user: ulimit -a"
	default:
		return otherwise
	}
}

// machineHint is what to do where the machine has refused something; "" for anything else.
func machineHint(f wire.Failure) string {
	switch hint := hintFor(f); hint {
	case processesShort, memoryShort:
		return hint
	default:
		return ""
	}
}

// hintFor is what to do about an exception that ended a load.
func hintFor(f wire.Failure) string {
	classes := append([]string{f.Class}, causes(f.Message)...)
	for _, hint := range loadHints {
		for _, class := range classes {
			if !hint.class.compiled().MatchString(class) {
				continue
			}
			// Errors of the system are told by their class, others by their message.
			text := f.Class + ": " + f.Message
			message := hint.message.compiled()
			if match := message.FindStringSubmatchIndex(text); match != nil {
				return strings.TrimSpace(string(message.ExpandString(nil, hint.try, text, match)))
			}
			break
		}
	}
	return anyError
}

const cause expression = `\(caused by ([\w:]+): `

func causes(message string) (classes []string) {
	for _, match := range cause.compiled().FindAllStringSubmatch(message, -1) {
		classes = append(classes, match[1])
	}
	return classes
}
