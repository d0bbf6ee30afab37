# frozen_string_literal: true

require_relative "fastcgi/environment"

module Launcher
  # Real requests in the preloader, so that what the first ones build is there before
  # the fork. They run on a thread of their own, as a worker's do: what they
  # allocate stays out of the main thread's memory, and one that hangs can be
  # given up.
  #
  # Nothing that goes wrong here keeps the application from starting: it is logged, once
  # for each path.
  class Warmup
    SECONDS = 10 # for all of one run
    REDIRECTED = 300

    def initialize(warmup, errors, url_prefix:, seconds: SECONDS)
      @warmup = warmup
      @errors = errors
      @seconds = seconds
      @environment = FastCGI::Environment.new(errors: errors, url_prefix: url_prefix)
      @complained = {}
      @stuck = false
    end

    def run(app)
      return if @stuck
      mark("warm-up begins: the requests that follow are the launcher's own")
      thread = Thread.new { request_all(app) }
      give_up(thread) unless thread.join(@seconds)
      mark("warm-up ends")
    end

    private

    def request_all(app)
      @warmup.count.times do
        @warmup.paths.each { |path| request(app, path) }
      end
    rescue Exception => error # the last frame of this thread, below the application's code
      complain("", "#{error.class}: #{error.message}")
    end

    def request(app, path)
      env = environment(path)
      status, headers, body = app.call(env)
      body.each { |part| part }
      complain(path, "answered #{status}") if status.to_i >= REDIRECTED
    rescue StandardError, ScriptError, SystemExit, SystemStackError => error
      complain(path, "#{error.class}: #{error.message}")
    ensure
      body.close if body.respond_to?(:close)
      # Of Rack 3. Rails 8.1 ends what belongs to the request here.
      env["rack.response_finished"]&.reverse_each { |callback| callback.call(env, status, headers, error) } if env
    end

    def environment(path)
      env = { "REQUEST_METHOD" => "GET", "REQUEST_URI" => path, "SERVER_PROTOCOL" => "HTTP/1.1",
              "REMOTE_ADDR" => "127.0.0.1", "HTTP_HOST" => @warmup.host.dup }
      @warmup.headers.each { |name, value| env["HTTP_#{name.upcase.tr('-', '_')}"] = value.dup }
      @environment.build(env)
      env["rack.input"] = StringIO.new(String.new)
      env
    end

    # It is of no use to try again after the compaction.
    def give_up(thread)
      @stuck = true
      where = (thread.backtrace || []).first(3).join(" < ")
      thread.kill
      @errors.note("warm-up is given up after #{@seconds} s, at #{where}")
    end

    def complain(path, what)
      return if @complained[path]
      @complained[path] = true
      @errors.note("warm-up: #{path} #{what.to_s.lines.first.to_s.chomp}")
    end

    # Into the application's own log, where its requests are written too.
    def mark(text)
      return unless defined?(::Rails) && ::Rails.respond_to?(:logger) && ::Rails.logger
      ::Rails.logger.info("launcher: #{text}")
    rescue StandardError => error
      complain("", "#{error.class}: #{error.message}")
    end
  end
end
