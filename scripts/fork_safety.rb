# frozen_string_literal: true

require_relative "active_record_pools"

module Launcher
  # What every application needs around a fork, whether it knows or not: no
  # connection is shared between two processes, no buffer is written twice, no two
  # workers draw the same random numbers.
  #
  # Each library is looked at only where the application has loaded it. A step that
  # fails is logged by name and does not stop the fork: the application may well
  # not use what is broken.
  class ForkSafety
    def initialize(errors)
      @errors = errors
      @pools = ActiveRecordPools.new
    end

    # In the preloader, before each fork. Connections are closed rather than
    # leaked: a forked copy that is collected later would say goodbye to the
    # database on its sibling's connection.
    def before_fork
      step("ActiveRecord") { @pools.each(&:disconnect!) } if defined?(::ActiveRecord::Base)
      step("Sequel") { ::Sequel::DATABASES.each(&:disconnect) } if defined?(::Sequel::DATABASES)
      step("GRPC") { ::GRPC.prefork } if defined?(::GRPC) && ::GRPC.respond_to?(:prefork)
      flush
    end

    # Writes out every buffer of this process: one that is full while it forks is
    # written by each worker, and exit! would lose what a worker has written.
    def flush
      ObjectSpace.each_object(IO) do |io|
        io.flush
      rescue IOError, SystemCallError
        next # closed, never opened, or its reader is gone
      end
    end

    # In the worker, before the application's own hooks.
    def after_fork
      Kernel.srand
      step("ActiveRecord") { discard_inherited } if defined?(::ActiveRecord::Base)
      step("Rails.cache") { reset_cache(::Rails.cache) } if defined?(::Rails) && ::Rails.respond_to?(:cache)
      step("ActionCable") { restart_cable } if defined?(::ActionCable)
      step("GRPC") { ::GRPC.postfork_child } if defined?(::GRPC) && ::GRPC.respond_to?(:postfork_child)
    end

    private

    def step(name)
      yield
    rescue StandardError, NotImplementedError => error
      @errors.puts("launcher: making #{name} safe around the fork failed: #{error.class}: #{error.message}")
    end

    # ActiveRecord itself drops inherited pools from 5.2 on. One that it missed
    # would mix two workers' rows, so none with a connection is left.
    def discard_inherited
      @pools.each { |pool| pool.discard! if pool.connections.any? }
    end

    # The clients of both cache servers hold a socket, and know how to drop it.
    def reset_cache(cache)
      store = ::ActiveSupport::Cache
      if store.const_defined?(:RedisCacheStore, false) && !store.autoload?(:RedisCacheStore) && cache.is_a?(store::RedisCacheStore)
        cache.redis.close if cache.redis.respond_to?(:close)
      elsif store.const_defined?(:MemCacheStore, false) && !store.autoload?(:MemCacheStore) && cache.is_a?(store::MemCacheStore)
        cache.reset if cache.respond_to?(:reset)
      end
    end

    # Only a server that boot has touched holds a connection; asking for one
    # here would make it.
    def restart_cable
      server = ::ActionCable.instance_variable_get(:@server)
      server.restart if server&.instance_variable_get(:@pubsub)
    end
  end
end
