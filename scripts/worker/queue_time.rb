# frozen_string_literal: true

module PreforkLauncher
  # How long a request has waited for a worker, by the time that the web server, or whoever stands before it, has noted in the header
  # X-Request-Start: in seconds (nginx), milliseconds (Heroku, HAProxy, Caddy) or microseconds (Apache), with "t=" before it or without.
  module QueueTime
    START = /\A(?:t=)?\d{9,19}(?:\.\d{0,9})?(?:,|\z)/.freeze # of several the first
    SECONDS_MAX = 1e11 # of any time that is in seconds: the year 5138
    MAX = 600 # seconds: who waits longer has noted something else
    private_constant :START, :SECONDS_MAX, :MAX

    # Returns nanoseconds, nil where that cannot be known: the header is anything else, of the future, or of long ago. A client may have
    # sent it.
    def self.of(header)
      return unless header.ascii_only? && START.match?(header)

      start = header.delete_prefix("t=").to_f
      start /= 1000 while start >= SECONDS_MAX
      waited = Process.clock_gettime(Process::CLOCK_REALTIME) - start
      (waited * 1e9).to_i if waited.between?(0, MAX)
    end
  end
end
