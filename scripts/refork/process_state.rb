# frozen_string_literal: true

require_relative "../checks/finding"
require_relative "../standard_streams"
require_relative "interpreter_state"
require_relative "signal_handlers"

module PreforkLauncher
  # Remembers what belongs to a process besides its memory, and puts it back: its folder, its environment, its rights and limits, and
  # Ruby's own settings. A reforked preloader inherits what requests have made of these; its workers are
  # to begin with what the application had when it was loaded. What cannot be put back is told.
  class ProcessState
    # One thing that requests can change. Write puts it back; without it there is no way back. A part that
    # grows is a list whose new members matter alone. Where reading it is a walk over the heap, before reads what it is remembered
    # by instead: nobody serves meanwhile.
    Part = Struct.new(:name, :read, :write, :grows, :before)

    STATUS = "/proc/self/status"
    OOM = "/proc/self/oom_score_adj"
    LIMITS = Process.constants.grep(/\ARLIMIT_/).to_h { |name| [name, Process.const_get(name)] }.freeze
    CAPABILITIES = /^(?:Cap\w+|NoNewPrivs|Seccomp):.*/.freeze
    STREAMS = %w[standard\ input standard\ output standard\ error].freeze
    FILENO = IO.instance_method(:fileno)
    OWNED = Thread::Mutex.instance_method(:owned?)

    class << self
      # Returns the user and the group, real, effective and saved of each, and the supplementary groups.
      def ids
        status = File.read(STATUS, mode: "rb")
        %w[Uid Gid].map { |name| status[/^#{name}:(.*)/, 1].split.first(3).map(&:to_i) } << Process.groups.sort
      end

      # Takes the user and groups back: the user first, who may be the one that may do the rest; and again,
      # where the groups were the way to it.
      def become(was)
        users, groups, more = was
        [-> { Process::Sys.setresuid(*users) }, -> { Process.groups = more }, -> { Process::Sys.setresgid(*groups) }].each do |step|
          step.call
        rescue SystemCallError
          next # what is left is seen afterwards
        end
      end

      def capabilities
        File.read(STATUS, mode: "rb").scan(CAPABILITIES)
      end

      def umask
        File.read(STATUS, mode: "rb")[/^Umask:\s*(\d+)/, 1]&.to_i(8) || File.umask
      rescue SystemCallError
        File.umask
      end

      # Identifies a folder, which is the same when it has another name.
      def folder(path)
        stat = File.stat(path)
        [stat.dev, stat.ino]
      rescue SystemCallError
        nil
      end

      def environment
        ENV.to_h
      end

      def set_environment(was)
        (ENV.keys - was.keys).each { |name| ENV.delete(name) }
        was.each { |name, value| ENV[name] = value unless ENV[name] == value }
      end

      def limit(which)
        Process.getrlimit(which)
      rescue SystemCallError, ArgumentError
        nil # not of this kernel
      end

      def namespaces
        Dir.glob("/proc/self/ns/*").sort.to_h { |path| [path, File.readlink(path)] }
      rescue SystemCallError
        {}
      end

      # The files whose locks (flock(2)) a fork would hold, too.
      def locked_files
        Dir.children("/proc/self/fdinfo").flat_map do |fd|
          next [] unless File.read("/proc/self/fdinfo/#{fd}", mode: "rb").match?(/^lock:.*(?:FLOCK|OFDLCK)/)

          [File.readlink("/proc/self/fd/#{fd}")]
        rescue SystemCallError
          [] # closed meanwhile
        end.sort
      end

      # All pipes, also those that Ruby itself has.
      def open_pipes
        Dir.children("/proc/self/fd").map do |fd|
          File.readlink("/proc/self/fd/#{fd}")
        rescue SystemCallError
          "" # closed meanwhile
        end.grep(/\Apipe:/).uniq
      rescue SystemCallError
        pipes # in a sandbox
      end

      # Pipes that Ruby code has, to a process perhaps, which could serve one worker alone.
      def pipes
        found = []
        ObjectSpace.each_object(IO) do |io|
          name = File.readlink("/proc/self/fd/#{FILENO.bind(io).call}")
          found << name if name.start_with?("pipe:")
        rescue IOError, SystemCallError
          next # not open
        end
        found.uniq - [StandardStreams.pipe]
      end

      # The locks that this thread has and never gave back.
      def locks
        found = []
        ObjectSpace.each_object(Thread::Mutex) { |mutex| found << mutex if OWNED.bind(mutex).call }
        ObjectSpace.each_object(::Monitor) { |monitor| found << monitor if monitor.mon_owned? } if defined?(::Monitor)
        found
      end
    end

    PARTS = [
      Part.new("the user and the groups that it runs as", -> { ids }, ->(was) { become(was) }),
      Part.new("its capabilities", -> { capabilities }),
      Part.new("its root folder (chroot)", -> { folder("/") }),
      Part.new("its namespaces", -> { namespaces }),
      Part.new("its working directory", -> { folder(".") }, ->(was, path) { Dir.chdir(path) if was }),
      Part.new("its umask", -> { umask }, ->(was) { File.umask(was) }),
      Part.new("its environment", -> { environment }, ->(was) { set_environment(was) }),
      *LIMITS.map { |name, which| Part.new("its limit #{name}", -> { limit(which) }, ->(was) { Process.setrlimit(which, *was) }) },
      Part.new("its priority", -> { Process.getpriority(Process::PRIO_PROCESS, 0) },
               ->(was) { Process.setpriority(Process::PRIO_PROCESS, 0, was) }),
      Part.new("its OOM score", -> { File.read(OOM) }, ->(was) { File.write(OOM, was) }),
      *STREAMS.each_with_index.map { |name, fd| Part.new("where its #{name} goes", -> { StandardStreams.place(fd) }) },
      Part.new("a lock of a file (flock)", -> { locked_files }, nil, true),
      Part.new("a pipe", -> { pipes }, nil, true, -> { open_pipes }),
      # Boot and hooks have run on the main thread: what that holds, the one that is to serve does not.
      Part.new("a lock that is held (Mutex, Monitor)", -> { locks }, nil, true, -> { [] })
    ].freeze

    # As it is now, before the first request.
    def initialize
      @values = PARTS.to_h { |part| [part, read(part, part.before || part.read)] }
      @path = Dir.pwd
    rescue SystemCallError
      @path = nil # of a folder that was deleted
    end

    # The same, with what Ruby itself has: once the application has loaded.
    def self.after_load
      new.tap(&:remember_ruby)
    end

    def remember_ruby
      @ruby = InterpreterState.new
      @handlers = SignalHandlers.new
    end

    def [](part)
      @values.fetch(part)
    end

    # Makes the process what it was, in the only thread that it has. What could not be put back is returned as findings,
    # without what hooks had made of it before the first request: they do so in each worker.
    def restore(hooked)
      @handlers.restore
      @ruby.restore
      PARTS.each { |part| put_back(part) }
      found = findings(hooked)
      return found if found.empty?

      GC.start # a request may have left behind what only a collection closes
      findings(hooked)
    end

    private

    def findings(hooked)
      PARTS.map { |part| finding(part, hooked) }.compact
    end

    # Returns the value of a part; nil where a sandbox does not let it be known. Then nothing of it is put back.
    def read(part, how = part.read)
      ProcessState.instance_exec(&how)
    rescue SystemCallError, NotImplementedError
      nil
    end

    def put_back(part)
      return if part.write.nil? || self[part].nil? || read(part) == self[part]

      ProcessState.instance_exec(*[self[part], @path].first(part.write.arity), &part.write)
    rescue SystemCallError, ArgumentError, NotImplementedError
      nil # what is left is seen afterwards
    end

    def finding(part, hooked)
      now = read(part)
      if part.grows
        more = Array(now) - Array(self[part]) - Array(hooked[part])
        return if more.empty?

        what = "a request has left #{part.name}: #{more.first(3).map { |each| describe(each) }.join(', ')}"
      else
        return if [self[part], hooked[part]].include?(now)

        what = "a request has changed #{part.name}, which cannot be put back"
      end
      Finding.new("harm", "state", what, cost: "all later workers would have it",
                  advice: "do that in a process of its own, or in after_fork for all workers (config/launcher.rb)")
    end

    def describe(object)
      object.is_a?(String) ? object : object.class.name
    end
  end
end
