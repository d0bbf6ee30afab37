# frozen_string_literal: true

require_relative "text"

module PreforkLauncher
  # Sets the process title: who this is, and what it is doing. It is one write to the
  # process's own argument memory, which ps and top show.
  class Title
    PATH_MAX = 80 # bytes
    PLAIN = /\A[!-~]*\z/n.freeze

    def initialize(identity)
      @identity = identity
    end

    def self.preloader(settings, refork: 0)
      Process.setproctitle("launcher preloader #{origin(settings.generation, refork)} #{settings.root}")
    end

    def self.loading(settings)
      return worker(settings.worker.fetch(:slot), settings.generation).show("loading") if settings.direct?
      return new("launcher doctor").show("loading #{settings.root}") if settings.doctor?

      new("launcher preloader gen=#{settings.generation}").show("loading #{settings.root}")
    end

    def self.worker(slot, generation, refork = 0)
      new("launcher worker slot=#{slot} #{origin(generation, refork)}")
    end

    # Of a worker without a slot.
    def self.spare(generation, refork = 0)
      new("launcher spare #{origin(generation, refork)}")
    end

    def self.origin(generation, refork)
      refork.zero? ? "gen=#{generation}" : "gen=#{generation} refork=#{refork}"
    end
    private_class_method :origin

    # Gives a spare the title of a slot's worker.
    def take_slot(slot)
      @identity = @identity.sub("launcher spare", "launcher worker slot=#{slot}")
      show("booting")
    end

    # Shows what it is doing. That is for people alone, and fails nothing.
    def show(doing)
      set("#{@identity} #{doing}")
    end

    def request(method, path)
      set("#{@identity} #{plain(method)} #{plain(path)}")
    end

    private

    def set(title)
      Process.setproctitle(title)
    rescue StandardError
      nil
    end

    # Makes fit for a terminal what whoever sends a request chooses.
    def plain(text)
      text = text.byteslice(0, PATH_MAX) if text.bytesize > PATH_MAX
      PLAIN.match?(text) ? text : Text.line(text)
    end
  end
end
