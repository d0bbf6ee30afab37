# frozen_string_literal: true

require_relative "fastcgi/environment"

module Launcher
  # Real requests in the preloader, so that what the first ones build is there before
  # the fork. They run on a thread of their own, as a worker's do: what they
  # allocate stays out of the main thread's memory, and one that hangs can be
  # given up.
  class Warmup
    SECONDS = 10 # for all of one run
    REDIRECTED = 300
    REFUSED = 400

    def initialize(warmup, errors, url_prefix:)
      @warmup = warmup
      @errors = errors
      @environment = FastCGI::Environment.new(errors: errors, url_prefix: url_prefix)
      @complained = {}
    end

    def run(app)
      mark("#{@warmup.paths.join(' ')} × #{@warmup.count}: what follows are the launcher's own requests")
      thread = Thread.new { request_all(app) }
      thread.report_on_exception = false
      give_up(thread) unless thread.join(SECONDS)
      mark("ends")
    rescue Exception => error # rubocop:disable Lint/RescueException -- the application's code threw it
      complain("", "#{error.class}: #{error.message}")
    end

    private

    def request_all(app)
      @warmup.count.times do
        @warmup.paths.each { |path| request(app, path) }
      end
    end

    def request(app, path)
      status, _headers, body = app.call(environment(path))
      body.each { |part| part }
      complain(path, "answered #{status}") if status.to_i >= REFUSED
    rescue StandardError, ScriptError, SystemExit, SystemStackError => error
      complain(path, "#{error.class}: #{error.message}")
    ensure
      body.close if body.respond_to?(:close)
    end

    # A body that streams may need more than can be given here; it is closed unread.
    def environment(path)
      env = { "REQUEST_METHOD" => "GET", "REQUEST_URI" => path, "SERVER_PROTOCOL" => "HTTP/1.1",
              "REMOTE_ADDR" => "127.0.0.1", "HTTP_HOST" => @warmup.host, "QUERY_STRING" => path[/\?(.*)/m, 1].to_s }
      @warmup.headers.each { |name, value| env["HTTP_#{name.upcase.tr('-', '_')}"] = value }
      @environment.build(env)
      env["rack.input"] = StringIO.new("".b)
      env
    end

    def give_up(thread)
      where = (thread.backtrace || []).first(3).join(" < ")
      thread.kill
      @errors.note("warm-up: given up after #{SECONDS} s, at #{where}")
    end

    # Once for each path: twenty of the same tell nothing more.
    def complain(path, what)
      return if @complained[path]
      @complained[path] = true
      @errors.note("warm-up: #{path} #{what}")
    end

    # Into the application's own log, where its requests are written too.
    def mark(text)
      return unless defined?(::Rails) && ::Rails.respond_to?(:logger) && ::Rails.logger
      ::Rails.logger.info("launcher: warm-up #{text}")
    end
  end
end
