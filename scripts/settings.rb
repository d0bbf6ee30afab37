# frozen_string_literal: true

module Launcher
  # What the supervisor decided for this generation and, where the process is to serve a slot
  # by itself, for this worker.
  class Settings
    attr_reader :root, :generation, :entry, :url_prefix, :hooks, :worker, :record

    def initialize(strings)
      @root = strings.fetch("root")
      @generation = Integer(strings.fetch("generation"))
      @entry = strings.fetch("entry") # a rackup file or config/environment.rb, absolute or relative to the root
      @url_prefix = presence(strings["url_prefix"])
      @hooks = presence(strings["hooks"])
      @doctor = strings["mode"] == "doctor"
      @trace = strings["trace"] == "yes"
      @passenger_events = strings["passenger_events"] == "yes"
      read_worker(strings) if strings["spawn_method"] == "direct"
    end

    # Whether this process loads the application for one worker alone, itself.
    def direct?
      !@worker.nil?
    end

    # Whether this process only looks at what loading leaves behind.
    def doctor?
      @doctor
    end

    # Whether it notes where each object is allocated meanwhile.
    def trace?
      @trace
    end

    def passenger_events?
      @passenger_events
    end

    private

    def read_worker(strings)
      @worker = { slot: Integer(strings.fetch("slot")), generation: @generation, serial: Integer(strings.fetch("serial")) }
      @record = Integer(strings.fetch("record")) # index of its scoreboard record
    end

    def presence(text)
      text unless text.nil? || text.empty?
    end
  end
end
