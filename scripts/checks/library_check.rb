# frozen_string_literal: true

require_relative "finding"

module PreforkLauncher
  # Finds libraries that are known not to survive a fork once used, and agents that have threads. What is
  # said of each is in its own documents or code.
  class LibraryCheck
    # Threads that are none of Ruby's, as the kernel names them: 15 bytes.
    NATIVE = { vips: /\A(?:libvips|vips)/, glib: /\A(?:gmain|gdbus|pool-)/, kafka: /\Ardk:/,
               grpc: /\A(?:grpc|event_engine|default-execut|resolver-execu|timer_manager)/ }.freeze
    GRPC_FORKS_SINCE = "1.57.0" # GRPC.prefork

    def initialize(context)
      @context = context
    end

    def findings
      @native = Dir["/proc/self/task/*/comm"].filter_map { |path| comm(path) }
      [vips, gobject, grpc, kafka, mongo, scout, new_relic, datadog].compact
    end

    private

    def comm(path)
      File.read(path).chomp
    rescue SystemCallError
      nil # it has ended
    end

    def threads?(library)
      @native.any? { |name| NATIVE.fetch(library).match?(name) }
    end

    def version(gem)
      Gem.loaded_specs[gem]&.version
    end

    def named(title, gem)
      [title, version(gem)].compact.join(" ")
    end

    # Its pool of threads is started by the first image and does not come through a fork, and a process
    # can neither stop nor restart the library (vips_shutdown).
    def vips
      return unless @context.constant("Vips")

      name = named("libvips (ruby-vips)", "ruby-vips")
      return Finding.new("note", "library", "#{name} is loaded; it must not be used before the fork") unless threads?(:vips)

      Finding.new("harm", "library", "boot has used #{name}, whose threads do not survive a fork",
                  cost: "a worker that touches an image may hang for ever",
                  advice: "touch no image while the application loads; do that part in after_fork, or run with --spawn-method direct")
    end

    def gobject
      return unless @context.constant("GObjectIntrospection")

      name = named("gobject-introspection", "gobject-introspection")
      return Finding.new("note", "library", "#{name} is loaded; GLib must have no thread before the fork") unless threads?(:glib)

      Finding.new("harm", "library", "boot has used #{name}, and GLib has threads that do not survive a fork",
                  cost: "a worker that uses it may hang for ever",
                  advice: "use it in after_fork at the earliest, or run with --spawn-method direct")
    end

    # GRPC alone may be there without the library: a gemspec defines GRPC::VERSION.
    def grpc
      return unless @context.constant("GRPC::Core")

      name = named("gRPC", "grpc")
      if version("grpc") && version("grpc") < Gem::Version.new(GRPC_FORKS_SINCE)
        return Finding.new("harm", "library", "#{name} does not survive a fork: support for it began with 1.57",
                           cost: "calls in the workers hang",
                           advice: "update to grpc 1.57 or later and set GRPC_ENABLE_FORK_SUPPORT=1, or run with --spawn-method direct")
      end
      if ENV["GRPC_ENABLE_FORK_SUPPORT"] == "1"
        return Finding.new("note", "library", "#{name} is stopped before the fork and started in each worker; " \
                                              "streams in both directions, and servers, do not survive that")
      end
      Finding.new(threads?(:grpc) ? "harm" : "cost", "library", "#{name} is loaded without GRPC_ENABLE_FORK_SUPPORT=1",
                  cost: "where boot has made a call or a channel, calls in the workers hang",
                  advice: "set GRPC_ENABLE_FORK_SUPPORT=1 in the environment; Linux alone has it")
    end

    def kafka
      return unless @context.constant("Rdkafka") && threads?(:kafka)

      Finding.new("harm", "library", "boot has made a client of #{named('librdkafka (rdkafka)', 'rdkafka')}, which does not survive a fork",
                  cost: "messages of the workers are never sent, and a worker may hang when it leaves",
                  advice: "close producers and consumers in before_fork, make them in after_fork (config/launcher.rb)")
    end

    def mongo
      client = @context.constant("Mongo::Client")
      return unless client && ObjectSpace.each_object(client).any?

      name = named("the MongoDB driver (mongo)", "mongo")
      Finding.new("harm", "library", "boot has made a client of #{name}, whose monitoring threads do not survive a fork",
                  cost: "workers do not notice when a server of the cluster fails or comes back",
                  advice: "close its clients in before_fork, and reconnect them in after_fork (config/launcher.rb): client.reconnect")
    end

    # Its middleware asks for the thread where the application is built: in the preloader.
    def scout
      agent = @context.constant("ScoutApm::Agent")
      return unless agent

      name = named("Scout", "scout_apm")
      return Finding.new("note", "agent", "#{name} starts with a worker's first request") unless agent.instance.background_worker_running?

      Finding.new("harm", "agent", "#{name} has started its thread before the fork",
                  cost: "workers measure, and report nothing",
                  advice: "after_fork { ScoutApm::Agent.instance.start_background_worker } (config/launcher.rb)")
    end

    # restart_thread_in_children, on unless it was switched off.
    def new_relic
      return unless @context.constant("NewRelic::Agent")

      Finding.new("note", "agent", "#{named('New Relic', 'newrelic_rpm')} starts its thread again with a worker's first transaction")
    end

    def datadog
      return unless @context.constant("Datadog::Core::Workers") || @context.constant("Datadog::Workers")

      gem = version("datadog") ? "datadog" : "ddtrace"
      Finding.new("note", "agent", "#{named('Datadog', gem)} starts its threads again after a fork")
    end
  end
end
