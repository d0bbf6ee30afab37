# frozen_string_literal: true

require_relative "heap"
require_relative "levers"
require_relative "preload"
require_relative "rehearsal"
require_relative "warmup"

module PreforkLauncher
  # Everything between the loaded application and the first fork that keeps the workers'
  # memory shared. Nothing here may keep the application from starting.
  class Preparation
    REHEARSAL_SECONDS = 5

    def initialize(settings, errors)
      @errors = errors
      @levers = Levers.new(settings.without)
      @preload = Preload.new(@levers, errors)
      @warmup = Warmup.new(settings.warmup, errors, url_prefix: settings.url_prefix) if settings.warmup
      @heap = Heap.new(@levers)
    end

    # Requests before the compaction, so that what they make lies together with
    # the rest; and after it, because it empties the caches that they fill.
    def run(app)
      @preload.run
      @warmup&.run(app)
      @heap.compact
      rehearse
      @warmup&.run(app)
    end

    # The last thing before the first fork.
    def settle
      @heap.collect
    end

    # In a preloader that a worker gave birth to: the rest is there, and warm.
    def refresh
      @heap.collect_young
    end

    def slots
      @heap.slots
    end

    private

    # Requests that do not reach the application: what answers them is the launcher's own, in each worker the same.
    def rehearse
      return unless @levers.on?("responder")
      answer = ->(_env) { [200, { "content-type" => "text/html", "set-cookie" => "a=b" }, ["x" * 30_000]] }
      rehearsal = Rehearsal.new(answer, url_prefix: nil, seconds: REHEARSAL_SECONDS)
      4.times { rehearsal.get("/", host: "localhost", headers: { "accept" => "text/html" }) }
    rescue Rehearsal::Stuck, SystemCallError => error
      @errors.note("the rehearsal of requests is given up: #{error.class}: #{error.message}")
    ensure
      rehearsal&.finish
    end
  end
end
