# frozen_string_literal: true

module PreforkLauncher
  # Calls the application for the responder of a worker. The responder takes an exit for the failure of one request, which it is in
  # the worker; in a process that the application has forked it is what it says.
  class ServedApplication
    def initialize(app, safety)
      @app = app
      @safety = safety
      @pid = Process.pid
    end

    def call(env)
      @app.call(env)
    rescue SystemExit => error
      raise if Process.pid == @pid

      @safety.finish
      exit!(error.status)
    end
  end
end
