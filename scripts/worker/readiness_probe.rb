# frozen_string_literal: true

require_relative "../local_requests"
require_relative "../text"
require_relative "self_test"

module PreforkLauncher
  # Makes one request to the application, as a web server would, before a worker says that it is ready: to the path that the operator
  # names, or to Rails' health check where the application routes it. Where there is neither, the first fork of a refork that somebody
  # asked for makes it to the first page, as a visitor may; else a request that does not reach the application shows that this process
  # can serve at all.
  class ReadinessProbe
    # Why a worker is not fit to take the place of another one.
    class Failed < StandardError; end

    OFF = "off"
    REFORK = "refork" # the reason that has the application asked in any case
    FIRST_PAGE = "/"
    RAILS_PATH = "/up"
    RAILS_ROUTE = { controller: "rails/health", action: "show" }.freeze
    HOST = "localhost"
    # As from a proxy that speaks TLS: an application that wants that would only redirect otherwise.
    HEADERS = { "User-Agent" => "launcher probe", "X-Forwarded-Proto" => "https" }.freeze
    FAILED = 500
    # Of the time that the worker has to come up: the rest is for telling where it hangs.
    PART = 0.8
    private_constant :OFF, :REFORK, :FIRST_PAGE, :RAILS_PATH, :RAILS_ROUTE, :HOST, :HEADERS, :FAILED, :PART

    # The reason is what it is probed for: "release" or "refork".
    def initialize(app, settings, reason: nil)
      @app = app
      @reason = reason
      @settings = settings
      @seconds = settings.boot_seconds * PART
      @status = @error = nil
    end

    # Raises Failed.
    def run
      @path = path
      @path ? ask : SelfTest.new
    rescue SelfTest::Failed => error
      raise Failed, error.message
    end

    # Calls the application, for the responder. Rails makes a response of an exception, and leaves it in the environment.
    def call(env)
      response = @app.call(env)
      @error = env["action_dispatch.exception"]
      response
    rescue Exception => error # rubocop:disable Lint/RescueException
      @error = error
      raise
    end

    # What the responder tells of a request. The status is 0 where the response broke off.
    def request_started(_method, _path, _start); end

    def response_begun; end

    def request_finished(status)
      @status = status
    end

    def peer_awaited; end

    def request_awaited; end

    private

    def path
      wanted = @settings.probe
      return wanted if wanted&.start_with?("/")

      rails_path || first_page unless wanted == OFF
    end

    def first_page
      @settings.url_prefix.path + FIRST_PAGE if @reason == REFORK
    end

    # Rails' health check, with the prefix that the web server would send, or nil.
    def rails_path
      return unless defined?(::Rails) && ::Rails.respond_to?(:application) && (application = ::Rails.application)
      return if application.respond_to?(:initialized?) && !application.initialized? # its routes may not be there yet

      prefix = @settings.url_prefix.path
      prefix + RAILS_PATH if [RAILS_PATH, prefix + RAILS_PATH].any? { |path| health_check?(path) }
    end

    def health_check?(path)
      ::Rails.application.routes.recognize_path(path, method: :get).slice(:controller, :action) == RAILS_ROUTE
    rescue StandardError # nothing is routed there
      false
    end

    def ask
      requests = LocalRequests.new(self, url_prefix: @settings.url_prefix, seconds: @seconds, observer: self)
      requests.get(@path, host: HOST, headers: HEADERS)
      requests.finish
      requests = nil
      judge
    rescue LocalRequests::Stuck => error
      raise Failed, "GET #{@path} was not answered within #{@seconds.round} s, at #{error.message}"
    ensure
      requests&.finish
    end

    def judge
      return if @status&.between?(1, FAILED - 1)

      what = @status&.positive? ? "was answered with #{@status}" : "was not answered to the end"
      what += ": #{Text.error(@error)}" if @error
      failed = Failed.new("GET #{@path} #{what}")
      failed.set_backtrace(@error.backtrace) if @error&.backtrace
      raise failed
    end
  end
end
