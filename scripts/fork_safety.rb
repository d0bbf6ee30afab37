# frozen_string_literal: true

require_relative "active_record_pools"
require_relative "temporary_files"
require_relative "text"

module PreforkLauncher
  # Does what every application needs around a fork, whether it knows or not: no
  # connection is shared between two processes, no buffer is written twice, no two
  # workers draw the same random numbers.
  #
  # Each library is touched only where the application has loaded it. A step that
  # fails is logged by name and does not stop the fork: the application may well
  # not use what is broken.
  class ForkSafety
    # A subclass may mean something else by these.
    FLUSH = IO.instance_method(:flush)
    CLOSED = IO.instance_method(:closed?)

    def initialize(errors)
      @errors = errors
      @grpc_stopped = false
    end

    # Called in the preloader, before each fork. Connections are closed rather than
    # leaked: a forked copy that is collected later would end another process's
    # connection to the database.
    def before_fork
      step("ActiveRecord") { ActiveRecordPools.connected.each(&:disconnect!) } if ActiveRecordPools.loaded?
      step("Sequel") { ::Sequel::DATABASES.each(&:disconnect) } if defined?(::Sequel::DATABASES)
      step("Rails.cache") { close_cache(::Rails.cache) } if defined?(::Rails) && ::Rails.respond_to?(:cache)
      step("ActionCable") { restart_cable } if defined?(::ActionCable)
      step("GRPC") { stop_grpc } if grpc?
      flush
    end

    # Writes out every buffer of this process: one that is full while it forks is
    # written by each worker, and exit! would lose what a worker has written.
    def flush
      ObjectSpace.each_object(IO) do |io|
        FLUSH.bind(io).call unless CLOSED.bind(io).call
      rescue IOError, SystemCallError
        next # never opened, or its reader is gone
      end
    end

    # Called last of all by who ends with exit!, and whose objects nobody goes on with: does what Ruby's own end would.
    def finish
      flush
      TemporaryFiles.remove
    end

    # Called in the worker, before the application's own hooks. ActiveRecord itself drops inherited pools from 5.2 on. One that it
    # missed would mix two workers' rows, so none with a connection is left.
    def after_fork
      Kernel.srand
      step("ActiveRecord") { ActiveRecordPools.connected.each(&:discard!) } if ActiveRecordPools.loaded?
      restart_grpc(:postfork_child)
    end

    # Called in a process that has forked and goes on with the application: a worker, or a preloader that prepares.
    def after_refork
      restart_grpc(:postfork_parent)
    end

    # Called in a worker that has served its last request. Jobs that wait in this process have
    # no other place to be done: a mail sent "later" by the default adapter is one.
    def before_exit
      step("ActiveJob") { finish_jobs(::ActiveJob::QueueAdapters::AsyncAdapter) } if async_jobs?
    end

    private

    def async_jobs?
      loaded?(Object, :ActiveJob) && loaded?(::ActiveJob, :QueueAdapters) && loaded?(::ActiveJob::QueueAdapters, :AsyncAdapter)
    end

    def loaded?(space, name)
      space.const_defined?(name, false) && !space.autoload?(name, false)
    end

    # A class of jobs may have an adapter of its own; from 7.2 on each has, where Rails has
    # not set one for all. An adapter that never ran a job has no thread, and nothing to wait for.
    def finish_jobs(adapters)
      ObjectSpace.each_object(adapters) { |adapter| adapter.shutdown if adapter.instance_of?(adapters) }
    end

    def step(name)
      yield
    rescue StandardError, NotImplementedError => error
      @errors.puts("launcher: making #{name} safe around the fork failed: #{Text.error(error)}")
    end

    # Redis and Dalli clients notice a fork and connect again; one that is not in
    # a pool can be closed by its owner, as is proper. A pool cannot: its shutdown is
    # for good.
    def close_cache(cache)
      cache.redis.close if cache.respond_to?(:redis) && cache.redis.respond_to?(:close)
    end

    # Without its environment variable prefork raises, after it has initialized
    # the library, which from then on refuses to work in any worker.
    def grpc?
      defined?(::GRPC) && ::GRPC.respond_to?(:prefork) && ENV["GRPC_ENABLE_FORK_SUPPORT"] == "1"
    end

    # Stopped once, before the first fork, and not started again between forks:
    # each worker starts it for itself, the preloader has no use for it once all is prepared. A worker that reforks
    # starts it again, and stops it for the next time.
    def stop_grpc
      return if @grpc_stopped

      ::GRPC.prefork
      @grpc_stopped = true
    end

    def restart_grpc(hook)
      return unless @grpc_stopped

      @grpc_stopped = false
      step("GRPC") { ::GRPC.public_send(hook) }
    end

    # Restarts the cable's server here, where its threads are still there to end their subscriptions: in a worker
    # it would speak on the preloader's connection. Only a server that boot has
    # touched holds one; asking for one here would make it.
    def restart_cable
      server = ::ActionCable.instance_variable_get(:@server)
      server.restart if server&.instance_variable_get(:@pubsub)
    end
  end
end
