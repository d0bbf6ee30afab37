# frozen_string_literal: true

require_relative "clock"
require_relative "local_requests" # later
require_relative "memory/eager_load" # later
require_relative "memory/heap"
require_relative "memory/optimizations"
require_relative "memory/rails_warmup" # later
require_relative "memory/steps" # later
require_relative "memory/warmup_requests" # later
require_relative "text"

module PreforkLauncher
  # Does, once the application is loaded and before most of its workers are forked, all that keeps their memory shared, each
  # optimization that is on in its order. Nothing here may keep the application from starting, or change it.
  class MemorySharing
    RAILS_FILE = "config/application.rb"
    RESPONDER_SECONDS = 5
    RESPONDER_REQUESTS = 4
    SHARE = 0.7 # of the time that the start may take: nothing of this begins later
    GRACE = 0.1 # of it, for what has begun by then

    def initialize(settings, errors)
      @settings = settings
      @errors = errors
      @root = settings.root
      @optimizations = Optimizations.new(settings.without)
      @deadline = Clock.now + (SHARE * settings.boot_seconds)
      @heap = Heap.new(@optimizations)
      @eager_load = nil # where nothing is prepared
    end

    # Makes room for an application that is about to be loaded: as much as it has had before, or where that is not known what a
    # Rails application needs. A smaller one would never fill it.
    def make_room
      return @heap.fill(@settings.pool_slots) if @settings.pool_slots.any?

      @heap.grow if File.exist?(File.join(@root, RAILS_FILE))
    end

    # Prepares the application. Requests come before the compaction, so that what they make lies together with
    # the rest; and after it, because it empties the caches that they fill. The block is called between the steps.
    def prepare(app, &between)
      grace = [Steps::GRACE, GRACE * @settings.boot_seconds].min
      @steps = Steps.new(@optimizations, @errors, deadline: @deadline, root: @root, grace: grace, between: between)
      @eager_load = EagerLoad.new(@root)
      @steps.step("eager-load") { eager_load } if @eager_load.wanted?
      RailsWarmup.new(@optimizations, @errors, root: @root, deadline: @deadline, grace: grace, between: between).run
      @warmup = warmup_requests
      warm_up(app)
      @steps.step("compact") { @heap.compact }
      @steps.step("responder") { exercise_responder }
      warm_up(app)
    end

    # Collects garbage when nothing is left to be done but what the launcher does itself.
    def collect
      @heap.collect
    end

    # Makes old what is new, as the last thing before the first fork.
    def age
      @heap.age
    end

    # All that a reforked preloader has to do: the rest is there, and warm.
    def collect_young
      @heap.collect_young
    end

    def slots
      @heap.slots
    end

    # Returns how many files were loaded here because the application does not do so itself.
    def eagerly_loaded
      @eager_load ? @eager_load.files : 0
    end

    private

    def eager_load
      failure = @eager_load.run([Clock.now + EagerLoad::SECONDS, @deadline].min)
      @steps.skip("eager-load", "config.eager_load is off, and to load all code in advance failed: #{failure}") if failure
    end

    def warmup_requests
      WarmupRequests.new(@settings.warmup, @errors, url_prefix: @settings.url_prefix) if @settings.warmup
    end

    def warm_up(app)
      @steps.step("warm-up", option: "named by --warmup") { @warmup.run(app) } if @warmup
    end

    # Sends requests that do not reach the application: what answers them is the launcher's own, in each worker the same.
    def exercise_responder
      answer = ->(_env) { [200, { "content-type" => "text/html", "set-cookie" => "a=b" }, ["x" * 30_000]] }
      requests = LocalRequests.new(answer, url_prefix: nil, seconds: RESPONDER_SECONDS)
      RESPONDER_REQUESTS.times { requests.get("/", host: "localhost", headers: { "accept" => "text/html" }) }
    rescue LocalRequests::Stuck, SystemCallError => error
      @errors.note("exercising the responder is given up: #{Text.error(error)}")
    ensure
      requests&.finish
    end
  end
end
