# frozen_string_literal: true

module PreforkLauncher
  # Remembers Ruby's own settings, which are of the whole process, and puts them back. Requests change them for a moment, or mean to.
  class InterpreterState
    STREAMS = [STDOUT, STDERR].freeze
    SETTINGS = {
      "$," => [-> { $, }, ->(was) { $, = was }],
      "$;" => [-> { $; }, ->(was) { $; = was }],
      "$/" => [-> { $/ }, ->(was) { $/ = was }],
      "$\\" => [-> { $\ }, ->(was) { $\ = was }],
      "$stdin" => [-> { $stdin }, ->(was) { $stdin = was }],
      "$stdout" => [-> { $stdout }, ->(was) { $stdout = was }],
      "$stderr" => [-> { $stderr }, ->(was) { $stderr = was }],
      "$DEBUG" => [-> { $DEBUG }, ->(was) { $DEBUG = was }],
      "$PROGRAM_NAME" => [-> { $PROGRAM_NAME }, ->(was) { $PROGRAM_NAME = was }],
      "default_external" => [-> { Encoding.default_external }, ->(was) { Encoding.default_external = was }],
      "default_internal" => [-> { Encoding.default_internal }, ->(was) { Encoding.default_internal = was }],
      # After those, on which it depends.
      "streams" => [-> { STREAMS.map { |io| manner(io) } }, ->(was) { STREAMS.zip(was) { |io, one| behave(io, one) } }],
      "abort_on_exception" => [-> { Thread.abort_on_exception }, ->(was) { Thread.abort_on_exception = was }],
      "report_on_exception" => [-> { Thread.report_on_exception }, ->(was) { Thread.report_on_exception = was }],
      "GC.stress" => [-> { GC.stress }, ->(was) { GC.stress = was }],
      "GC.disable" => [-> { GC.disable.tap { |was| GC.enable unless was } }, ->(was) { was ? GC.disable : GC.enable }],
      "GC.auto_compact" => [-> { GC.auto_compact }, ->(was) { GC.auto_compact = was }],
      "GC.measure_total_time" => [-> { GC.measure_total_time }, ->(was) { GC.measure_total_time = was }],
      "GC.config" => [-> { GC.config.slice(:rgengc_allow_full_mark) }, ->(was) { GC.config(**was) }],
      # What is new alone: that boot's own is off by now is its own affair.
      "TracePoint" => [-> { trace_points }, ->(was) { (trace_points - was).each(&:disable) }],
      "allocations" => [-> { traced? }, ->(was) { stop_tracing unless was }]
    }.freeze
    WARNINGS = (Warning.respond_to?(:categories) ? Warning.categories : %i[deprecated experimental]).freeze
    LONGEST = 100 # nested starts of a trace

    class << self
      # Whether it writes at once, and what it makes of text.
      def manner(io)
        [io.sync, io.external_encoding, io.internal_encoding] unless io.closed?
      end

      def behave(io, was)
        return if was.nil? || [nil, was].include?(manner(io))

        io.sync, *encodings = was
        io.set_encoding(*encodings.compact, *([nil] if encodings.none?))
      end

      def trace_points
        found = []
        ObjectSpace.each_object(TracePoint) { |point| found << point if point.enabled? }
        found
      end

      # Whether the places of allocations are noted, which only an allocation tells.
      def traced?
        ObjectSpace.respond_to?(:allocation_sourcefile) && !ObjectSpace.allocation_sourcefile(Object.new).nil?
      end

      def stop_tracing
        LONGEST.times { traced? ? ObjectSpace.trace_object_allocations_stop : break }
      end
    end

    def initialize
      @settings = SETTINGS.transform_values { |reading, _| read(reading) }
      @warnings = WARNINGS.to_h { |category| [category, Warning[category]] }
      @verbose = $VERBOSE
    end

    # Puts all back, in the only thread of a process. That a setting is deprecated, or not to be changed, is no news here.
    def restore
      $VERBOSE = nil
      SETTINGS.each { |name, (reading, writing)| put_back(name, reading, writing) }
      forget_thread
    ensure
      @warnings.each { |category, was| Warning[category] = was }
      $VERBOSE = @verbose
    end

    private

    # nil where this Ruby does not have it.
    def read(reading)
      InterpreterState.instance_exec(&reading)
    rescue NoMethodError, NotImplementedError
      nil
    end

    def put_back(name, reading, writing)
      was = @settings.fetch(name)
      InterpreterState.instance_exec(was, &writing) unless was.equal?(read(reading))
    rescue NoMethodError, NotImplementedError, ArgumentError, TypeError
      nil # one that this Ruby does not have
    end

    # Clears what hangs on the thread. The one that has served is the main one of this process: what requests have hung on it would be
    # there for hooks, and a fiber's storage for each new thread.
    def forget_thread
      thread = Thread.current
      thread.keys.each { |name| thread[name] = nil } # rubocop:disable Style/HashEachMethods
      thread.thread_variables.each { |name| thread.thread_variable_set(name, nil) unless name == :fork_safe }
      thread.instance_variables.each { |name| thread.remove_instance_variable(name) }
      thread.priority = 0
      Fiber.current.storage&.each_key { |name| Fiber[name] = nil } if Fiber.respond_to?(:[]=)
    end
  end
end
