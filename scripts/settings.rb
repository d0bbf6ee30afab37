# frozen_string_literal: true

module Launcher
  # What the supervisor decided for this generation.
  class Settings
    attr_reader :root, :generation, :entry, :url_prefix, :hooks

    def initialize(strings)
      @root = strings.fetch("root")
      @generation = Integer(strings.fetch("generation"))
      @entry = strings.fetch("entry") # config.ru or config/environment.rb, relative to the root
      @url_prefix = presence(strings["url_prefix"])
      @hooks = presence(strings["hooks"])
    end

    private

    def presence(text)
      text unless text.nil? || text.empty?
    end
  end
end
