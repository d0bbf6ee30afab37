# The first lines that Ruby runs. The launcher puts the settings and the other
# files behind __END__, each as "kind name bytes\n", the bytes, "\n".
#
# This file is written for any Ruby, however old, so that one that is too old can
# be told so by the launcher; and it requires nothing, because whatever
# is required before the application's Bundler has chosen its gems may be
# the wrong version of one ("socket" alone activates the gem io-wait).
#
# PreforkLauncher is the only constant that it adds to those of Ruby. An application may
# well have a Launcher; a name for what is inside must be one that nobody has.
module PreforkLauncher
  PROGRAM_FD = 3
  CONTROL_FD = 4
  SCOREBOARD_FD = 5
  STDERR_FD = 6
  SLOT_FDS = [7, 8, 9].freeze # of a worker that loads the application by itself: its listener, and its handover
  OLDEST_RUBY = [2, 7].freeze

  DATA.binmode
  settings = {}
  sources = []
  later = []
  while (head = DATA.gets)
    kind, name, size = head.split(" ")
    text = DATA.read(size.to_i)
    DATA.gets
    text.force_encoding("UTF-8") if text.respond_to?(:force_encoding)
    case kind
    when "setting" then settings[name] = text
    when "file" then sources.push([name, text])
    else later.push([name, text])
    end
  end
  # Ruby has opened the program anew; the descriptor itself would be inherited by
  # whatever the application starts.
  DATA.close
  IO.for_fd(PROGRAM_FD).close
  # An application may have a DATA of its own, or ask whether there is one.
  Object.__send__(:remove_const, :DATA)

  engine = defined?(RUBY_ENGINE) ? RUBY_ENGINE : "ruby"
  forks = Process.respond_to?(:fork)
  control = IO.for_fd(CONTROL_FD, "w")
  control.autoclose = false # the channel closes it
  control.syswrite(%({"type":"hello","version":1,"pid":#{$$},"ruby":"#{RUBY_VERSION}","engine":"#{engine}","fork":#{forks}}))
  exit!(1) if !forks || (RUBY_VERSION.split(".").map { |part| part.to_i } <=> OLDEST_RUBY) < 0

  sources.each { |file, source| Kernel.eval(source, TOPLEVEL_BINDING, file) }
  Later::FILES.concat(later)
  SETTINGS = settings
end

PreforkLauncher.main(PreforkLauncher::SETTINGS)
__END__
