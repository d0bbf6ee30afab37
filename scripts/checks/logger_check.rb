# frozen_string_literal: true

require_relative "finding"

module PreforkLauncher
  # Finds loggers that do not simply append lines to a file.
  class LoggerCheck
    def initialize(context)
      @context = context
    end

    def findings
      devices.flat_map { |io| [buffered(io), piped(io)] }.compact + [semantic].compact
    end

    private

    # Returns the files and pipes that objects of class Logger write to, each once.
    def devices
      return [] unless @context.constant("Logger::LogDevice")

      found = []
      ObjectSpace.each_object(::Logger::LogDevice) { |device| found << device.dev if device.dev.is_a?(IO) && !device.dev.closed? }
      found.uniq(&:fileno).reject { |io| @context.own.include?(io.fileno) }
    end

    def buffered(io)
      return if io.sync || io.fileno <= 2 # Loading makes them write at once

      Finding.new("cost", "logger", "a logger keeps its lines in a buffer: #{name(io)}",
                  cost: "a worker that is killed loses what it logged last, and lines of two workers may mix where a buffer ends",
                  advice: "file.sync = true before it is given to the logger; in Rails config.autoflush_log = true")
    end

    def piped(io)
      return unless io.fileno > 2 && io.stat.pipe?

      Finding.new("cost", "logger", "a logger writes to a process that boot has started, and that all workers share: #{name(io)}",
                  cost: "with that process end the logs of all workers; a line of more than 4096 bytes may mix with another's",
                  advice: "log to a file or to standard error, or start the process in after_fork (config/launcher.rb)")
    end

    def name(io)
      @context.relative(File.readlink("/proc/self/fd/#{io.fileno}"))
    end

    def semantic
      logger = @context.constant("SemanticLogger")
      return unless logger && Thread.list.any? { |thread| "#{thread.name} #{thread.inspect}".match?(/SemanticLogger|semantic_logger/) }

      Finding.new("harm", "logger", "SemanticLogger writes from a thread that no worker will have",
                  cost: "the workers log nothing, and the lines that they would log fill their memory",
                  advice: "after_fork { SemanticLogger.reopen } (config/launcher.rb)")
    end
  end
end
