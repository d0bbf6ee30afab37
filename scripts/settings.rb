# frozen_string_literal: true

module Launcher
  # What the supervisor decided for this generation.
  class Settings
    attr_reader :root, :generation, :entry, :url_prefix, :hooks, :without, :warmup

    # Requests that the preloader sends to the application.
    Warmup = Struct.new(:paths, :host, :headers, :count)

    def initialize(strings)
      @root = strings.fetch("root")
      @generation = Integer(strings.fetch("generation"))
      @entry = strings.fetch("entry") # config.ru or config/environment.rb, relative to the root
      @url_prefix = presence(strings["url_prefix"])
      @hooks = presence(strings["hooks"])
      @without = lines(strings["without"])
      @warmup = warmup_from(strings)
    end

    private

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
