# frozen_string_literal: true

require "digest"

# What a test wants to know or to cause in a worker.
class ProbesController < ApplicationController
  LONGEST = 30.0 # seconds that a request may ask to take
  SHOWN = %w[
    REQUEST_METHOD SCRIPT_NAME PATH_INFO QUERY_STRING REQUEST_URI SERVER_NAME SERVER_PORT SERVER_PROTOCOL
    REMOTE_ADDR CONTENT_TYPE CONTENT_LENGTH HTTPS HTTP_HOST HTTP_PROXY HTTP_X_FORWARDED_FOR HTTP_X_FORWARDED_PROTO
    rack.url_scheme rack.multithread rack.multiprocess rack.run_once
  ].freeze

  skip_forgery_protection only: :echo
  rescue_from(Gate::Refused) { |error| render plain: "#{error.message}\n", status: :bad_request }

  def stream
    chunks = Chunks.new(params.fetch(:chunks, 3).to_i.clamp(1, 1000), params[:gate])
    response.content_type = "text/plain"
    response.last_modified = Time.now.utc # without it Rack::ETag 2 reads the whole body first
    self.response_body = chunks
  end

  def fail_on_purpose
    raise "raised on purpose"
  end

  # Ends its own process at once: by SIGKILL, by the signal named, or by exit!.
  def crash
    exit!(params[:exit].to_i) if params[:exit]

    signal = params.fetch(:signal, "KILL")
    return head :bad_request unless Signal.list.key?(signal)

    Process.kill(signal, Process.pid)
    sleep LONGEST # the signal ends it before, unless the process handles it
    head :no_content
  end

  # The first line is the pid alone.
  def pid
    title = File.read("/proc/self/cmdline").tr("\0", " ").strip
    render plain: "#{Process.pid}\ntitle #{title}\n"
  end

  def environment
    shown = request.env.slice(*SHOWN)
    render json: shown.transform_values { |value| value.is_a?(String) ? value.dup.force_encoding("UTF-8").scrub : value }
  end

  def slow
    seconds = params.fetch(:seconds, 1).to_f.clamp(0.0, LONGEST)
    sleep seconds
    render plain: "slept #{seconds}\n"
  end

  def set_cookies
    response.set_cookie("one", value: "1", path: "/")
    response.set_cookie("two", value: "2", path: "/", httponly: true)
    render plain: "cookies\n"
  end

  def count_in_session
    session[:count] = session[:count].to_i + 1
    render plain: "#{session[:count]}\n"
  end

  def empty
    head :no_content
  end

  def unchanged
    render plain: "changed\n" if stale?(strong_etag: "probe")
  end

  def version
    render plain: Rails.configuration.x.version
  end

  def echo
    body = request.raw_post
    render json: { size: body.bytesize, sha256: Digest::SHA256.hexdigest(body) }
  end
end
