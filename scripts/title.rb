# frozen_string_literal: true

module Launcher
  # The process title: who this is, and what it is doing. One write to the
  # process's own argument memory, so that ps and top tell the tale.
  class Title
    PATH_MAX = 80

    def initialize(identity)
      @identity = identity
    end

    def self.preloader(settings)
      Process.setproctitle("launcher preloader gen=#{settings.generation} #{settings.root}")
    end

    def self.loading(settings)
      return worker(settings.worker.fetch(:slot), settings.generation).show("loading") if settings.direct?
      return new("launcher doctor").show("loading #{settings.root}") if settings.doctor?
      new("launcher preloader gen=#{settings.generation}").show("loading #{settings.root}")
    end

    def self.worker(slot, generation)
      new("launcher worker slot=#{slot} gen=#{generation}")
    end

    def show(doing)
      Process.setproctitle("#{@identity} #{doing}")
    end

    def request(method, path)
      show("#{method} #{path[0, PATH_MAX]}")
    end
  end
end
