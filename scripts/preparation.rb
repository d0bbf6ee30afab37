# frozen_string_literal: true

require_relative "clock"
require_relative "eager_load"
require_relative "heap"
require_relative "levers"
require_relative "preload"
require_relative "rehearsal"
require_relative "steps"
require_relative "warmup"
require_relative "text"

module PreforkLauncher
  # Everything between the loaded application and the first fork that keeps the workers'
  # memory shared. Nothing here may keep the application from starting, or change it.
  class Preparation
    REHEARSAL_SECONDS = 5
    SHARE = 0.7 # of the time that the start may take: nothing of this begins later
    GRACE = 0.1 # of it, for what has begun by then

    def initialize(settings, errors)
      @errors = errors
      @root = settings.root
      @levers = Levers.new(settings.without)
      @deadline = Clock.now + SHARE * settings.boot_seconds
      @grace = [Steps::GRACE, GRACE * settings.boot_seconds].min
      @steps = Steps.new(@levers, errors, deadline: @deadline, root: @root, grace: @grace)
      @eager_load = EagerLoad.new(@root)
      @warmup = Warmup.new(settings.warmup, errors, url_prefix: settings.url_prefix) if settings.warmup
      @heap = Heap.new(@levers)
    end

    # Requests before the compaction, so that what they make lies together with
    # the rest; and after it, because it empties the caches that they fill.
    def run(app)
      @steps.step("eager-load") { eager_load } if @eager_load.wanted?
      Preload.new(@levers, @errors, root: @root, deadline: @deadline, grace: @grace).run
      warm_up(app)
      @steps.step("compact") { @heap.compact }
      @steps.step("responder") { rehearse }
      warm_up(app)
    end

    # When nothing is left to be done but what the launcher does itself.
    def settle
      @heap.collect
    end

    # The last thing before the first fork.
    def age
      @heap.age
    end

    # In a reforked preloader: the rest is there, and warm.
    def refresh
      @heap.collect_young
    end

    def slots
      @heap.slots
    end

    # How many files were loaded here because the application does not do so itself.
    def eagerly_loaded
      @eager_load.files
    end

    private

    def eager_load
      failure = @eager_load.run([Clock.now + EagerLoad::SECONDS, @deadline].min)
      @steps.skip("eager-load", "config.eager_load is off, and to load all code in advance failed: #{failure}") if failure
    end

    def warm_up(app)
      @steps.step("warm-up", option: "named by --warmup") { @warmup.run(app) } if @warmup
    end

    # Requests that do not reach the application: what answers them is the launcher's own, in each worker the same.
    def rehearse
      answer = ->(_env) { [200, { "content-type" => "text/html", "set-cookie" => "a=b" }, ["x" * 30_000]] }
      rehearsal = Rehearsal.new(answer, url_prefix: nil, seconds: REHEARSAL_SECONDS)
      4.times { rehearsal.get("/", host: "localhost", headers: { "accept" => "text/html" }) }
    rescue Rehearsal::Stuck, SystemCallError => error
      @errors.note("the rehearsal of requests is given up: #{Text.error(error)}")
    ensure
      rehearsal&.finish
    end
  end
end
