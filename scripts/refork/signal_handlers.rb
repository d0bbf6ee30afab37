# frozen_string_literal: true

require_relative "../children"

module PreforkLauncher
  # Remembers what this process does on each signal, and puts it back. Ruby tells a handler only to whoever puts another in its place, and a
  # handler of a C library is lost by that: so a fork of this process is asked which of them are Ruby's.
  class SignalHandlers
    SIZE_MAX = 65_536 # of what the fork says, and of a pipe
    RUBYS_OWN = %w[PIPE SYS].freeze # which "DEFAULT" gives back
    EXIT = "EXIT" # no signal: what Ruby calls at the end of a process, before its exit handlers

    def initialize
      @handlers = ask_fork
      @handlers.each { |signal, what| @handlers[signal] = borrow(signal) if what == :code }
    end

    # Puts them back, in the only thread of a process.
    def restore
      @handlers.each { |signal, handler| Signal.trap(signal, handler) }
    end

    private

    # Returns them by signal, without those that nobody may have: the command that Signal.trap takes, or :code. Where there is no room
    # for another process none is known.
    def ask_fork
      reader, writer = IO.pipe(binmode: true)
      pid = Process.fork do
        writer.syswrite(Marshal.dump(take_all))
      ensure
        exit!(0)
      end
      Children.reap(pid)
      # Not until the end of the pipe: see Children.
      said = reader.read_nonblock(SIZE_MAX, exception: false)
      said.is_a?(String) ? Marshal.load(said) : {}
    rescue SystemCallError
      {}
    ensure
      reader&.close
      writer&.close
    end

    def take_all
      Signal.list.invert.values.each_with_object({}) do |name, found|
        was = Signal.trap(name, "DEFAULT")
        was = "DEFAULT" if was.nil? && (RUBYS_OWN.include?(name) || name == EXIT)
        found[name] = was.is_a?(String) ? was : :code unless was.nil?
      rescue ArgumentError, SystemCallError
        next # a signal of Ruby's own, or of the kernel's
      end
    end

    # Returns Ruby's handler by putting another in its place for a moment. A signal that comes in between is sent once more.
    def borrow(signal)
      came = false
      handler = Signal.trap(signal) { came = true }
      Signal.trap(signal, handler)
      Process.kill(signal, Process.pid) if came
      handler
    end
  end
end
