# frozen_string_literal: true

require_relative "../local_requests"
require_relative "../text"

module PreforkLauncher
  # Sends the requests of --warmup to the application in the preloader, so that what the first ones build is there before the fork.
  #
  # Nothing that goes wrong here keeps the application from starting: it is logged, once
  # for each path.
  class WarmupRequests
    SECONDS = 10 # for all of one run
    REDIRECTED = 300

    # Described are the paths, the host, the headers and how often: see Settings.
    def initialize(described, errors, url_prefix:, seconds: SECONDS)
      @described = described
      @errors = errors
      @url_prefix = url_prefix
      @seconds = seconds
      @complained = {}
      @stuck = false # it is of no use to try again after the compaction
    end

    def run(app)
      return if @stuck

      @app = app
      mark("warm-up begins: the requests that follow are the launcher's own")
      request_all
      mark("warm-up ends")
    end

    # Calls the application, for the responder: what goes wrong in it is told here.
    def call(env)
      status, headers, body = @app.call(env)
      complain("answered #{status}") if status.to_i >= REDIRECTED
      [status, headers, body]
    rescue StandardError, ScriptError, SystemExit, SystemStackError => error
      complain(Text.error(error))
      [500, {}, []]
    end

    private

    # Until all are done, or the application has killed the thread that serves them.
    def request_all
      requests = LocalRequests.new(self, url_prefix: @url_prefix, seconds: @seconds)
      @described.count.times.all? { @described.paths.all? { |path| request(requests, path) } }
    rescue LocalRequests::Stuck => error
      @stuck = true
      @errors.note("warm-up is given up after #{@seconds} s, at #{error.message}")
    rescue SystemCallError => error # of this side: too many open files
      @errors.note("warm-up is given up: #{Text.error(error)}")
    ensure
      requests&.finish
    end

    def request(requests, path)
      @path = path
      requests.get(path, host: @described.host, headers: @described.headers)
    end

    def complain(what)
      return if @complained[@path]

      @complained[@path] = true
      @errors.note("warm-up: #{@path} #{what.to_s.lines.first.to_s.chomp}")
    end

    # Writes into the application's own log, where its requests are written too.
    def mark(text)
      return unless defined?(::Rails) && ::Rails.respond_to?(:logger) && ::Rails.logger

      ::Rails.logger.info("launcher: #{text}")
    rescue StandardError => error
      @errors.note("warm-up could not be marked in the log: #{Text.error(error)}")
    end
  end
end
