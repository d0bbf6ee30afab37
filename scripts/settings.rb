# frozen_string_literal: true

require_relative "fastcgi/url_prefix"

module PreforkLauncher
  # Reads what the supervisor decided for this generation and, where the process is to serve a slot
  # by itself, for this worker.
  class Settings
    DRAIN_TIMEOUT = 30 # seconds
    POOL_SLOTS = /\ARUBY_GC_HEAP_(\d)_INIT_SLOTS\z/.freeze
    BOOT_SECONDS = 90 # where nobody has said

    attr_reader :supervisor, :drain_timeout, :boot_seconds, :root, :generation, :entry, :url_prefix, :hooks, :without, :warmup, :variables,
                :pool_slots, :worker, :record, :prepare, :allow, :probe, :probed, :oom_score

    # Requests that the preloader sends to the application.
    Warmup = Struct.new(:paths, :host, :headers, :count)

    def initialize(strings)
      @supervisor = Integer(strings["supervisor"]) if strings["supervisor"] # its pid; nil: nobody has said
      @root = strings.fetch("root")
      @generation = Integer(strings.fetch("generation"))
      @entry = strings.fetch("entry") # a rackup file or config/environment.rb, absolute or relative to the root
      @url_prefix = FastCGI::UrlPrefix.new(strings["url_prefix"], by: presence(strings["mounted_by"]))
      @hooks = presence(strings["hooks"])
      @allow = lines(strings["allow"]) # who may connect to a port (Guard); empty: whoever can
      @without = lines(strings["without"])
      @warmup = warmup_from(strings)
      @oom_score = Integer(strings["oom_score"]) if presence(strings["oom_score"]) # the launcher's; nil: nobody has said
      @drain_timeout = Float(strings.fetch("drain_timeout", DRAIN_TIMEOUT)) # seconds
      @variables = lines(strings["variables"]) # names of environment variables that were meant for Ruby alone
      @pool_slots = read_pool_slots
      @boot_seconds = Float(presence(strings["boot_seconds"]) || BOOT_SECONDS) # that the start may take
      @prepare = presence(strings["prepare"]) || "first" # what keeps memory shared: or "beside" the first workers, or "not"
      @probe = presence(strings["probe"]) # a path, or "off"; nil: where Rails has one
      @probed = presence(strings["probed"]) # what the worker that this process is is probed for before it is ready; nil: nothing
      @doctor = strings["mode"] == "doctor"
      @trace = strings["trace"] == "yes"
      @log_json = strings["log_format"] == "json"
      @passenger_events = strings["passenger_events"] == "yes"
      @worker = @record = nil
      read_worker(strings) if strings["spawn_method"] == "direct"
    end

    # Whether this process loads the application for one worker alone, itself.
    def direct?
      !@worker.nil?
    end

    # The numbers of the descriptors that the supervisor has given to this process.
    def descriptors
      [CONTROL_FD, SCOREBOARD_FD, STDERR_FD, *(SLOT_FDS if direct?)]
    end

    # Whether this process only examines what loading leaves behind.
    def doctor?
      @doctor
    end

    # Whether it notes where each object is allocated meanwhile.
    def trace?
      @trace
    end

    # Whether each line of the log is a JSON object.
    def log_json?
      @log_json
    end

    def passenger_events?
      @passenger_events
    end

    private

    # Returns how many slots Ruby was told to have of each size, {0 => 155_000}, from 3.3 on.
    def read_pool_slots
      told = @variables.to_h { |name| [name[POOL_SLOTS, 1], ENV[name].to_i] }
      told.reject { |pool, _| pool.nil? }.transform_keys(&:to_i)
    end

    def read_worker(strings)
      @worker = { slot: Integer(strings.fetch("slot")), generation: @generation, refork: 0, serial: Integer(strings.fetch("serial")) }
      @record = Integer(strings.fetch("record")) # index of its scoreboard record
    end

    def warmup_from(strings)
      paths = lines(strings["warmup_paths"])
      return if paths.empty?

      headers = lines(strings["warmup_headers"]).to_h { |line| line.split(/:\s*/, 2) }
      Warmup.new(paths, strings.fetch("warmup_host"), headers, Integer(strings.fetch("warmup_count")))
    end

    def lines(text)
      text.to_s.split("\n")
    end

    def presence(text)
      text unless text.nil? || text.empty?
    end
  end
end
