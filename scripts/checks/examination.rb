# frozen_string_literal: true

require_relative "../text"
require_relative "database_check"
require_relative "descriptor_check"
require_relative "finding"
require_relative "laziness_check"
require_relative "library_check"
require_relative "logger_check"
require_relative "machine_check"
require_relative "thread_check"

module PreforkLauncher
  # Examines what loading the application left in this process, for what stands in the way of
  # forking. It runs after connections have been closed that are closed before each
  # fork anyway. A check that fails is a finding itself: it never ends a start.
  class Examination
    CHECKS = [ThreadCheck, DescriptorCheck, LibraryCheck, LoggerCheck, DatabaseCheck, LazinessCheck, MachineCheck].freeze
    SHOWN = 20 # of each kind

    attr_reader :root, :own, :connections, :eagerly_loaded, :who

    # Own are the launcher's descriptors; who, in words, has done what is found. A thorough one may take some seconds,
    # and wants allocations to have been traced while the application loaded.
    def initialize(root, own:, thorough: false, connections: 0, eagerly_loaded: 0, who: "boot")
      @root = root.end_with?("/") ? root : "#{root}/"
      @own = own
      @thorough = thorough
      @connections = connections
      @eagerly_loaded = eagerly_loaded
      @who = who
    end

    def thorough?
      @thorough
    end

    def findings
      CHECKS.flat_map { |check| shown(guarded(check)) }
    end

    # Returns what is logged at each start.
    def warnings
      findings.reject(&:note?)
    end

    # For the checks:

    def relative(path)
      Text.utf8(path).delete_prefix(@root)
    end

    # Returns a constant if it is there, without an autoload.
    def constant(name)
      name.split("::").inject(Object) do |scope, part|
        return nil unless scope.is_a?(Module) && scope.const_defined?(part, scope.equal?(Object)) && !scope.autoload?(part)

        scope.const_get(part, scope.equal?(Object))
      end
    rescue NameError
      nil
    end

    private

    def guarded(check)
      check.new(self).findings
    rescue StandardError, ScriptError => error
      [Finding.new("note", "check", "#{check.name.split('::').last} failed: #{Text.error(error)}",
                   frames: error.backtrace || [])]
    end

    def shown(findings)
      findings.group_by(&:kind).flat_map do |kind, all|
        more = all.size - SHOWN
        more.positive? ? all.first(SHOWN) << Finding.new(all.last.severity, kind, "#{more} more of these") : all
      end
    end
  end
end
