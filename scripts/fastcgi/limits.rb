# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    LIMIT_DEFAULTS = {
      # From the accept, or from the first byte on a kept connection, to the end of PARAMS.
      head_seconds: 10,
      # A fresh connection without a byte, while another one waits. Not zero: a web server connects first and writes
      # then.
      silent_seconds: 1,
      # A kept connection without a next request. Longer than nginx keeps one (keepalive_timeout: 60 s), so that it is the web server
      # that closes it: this side could do so while a request is on its way.
      idle_seconds: 75,
      # For each further 64 KiB of a request body, so that a byte a second does not count as progress.
      body_seconds: 60,
      # Without the peer having read anything.
      write_seconds: 60,
      # What is discarded, and for how long, before a connection is closed whose input was not read to its end.
      drain_seconds: 2,
      drain_bytes: 1_048_576,
      # The parameters of a request, all PARAMS records together. lighttpd sends 65,535 bytes at most.
      params_bytes: 262_144,
      # A body up to this size stays in memory, a larger one goes to an unlinked file.
      memory_bytes: 102_400,
      # Records of no request, in a row.
      ignored_records: 1000,
      # Requests on one kept connection while others wait, which this process cannot serve meanwhile.
      kept_requests: 100
    }.freeze

    Limits = Struct.new(*LIMIT_DEFAULTS.keys, keyword_init: true) do
      def initialize(**given)
        super(**LIMIT_DEFAULTS.merge(given))
        each_pair do |name, value|
          next if value.is_a?(Numeric) && value.positive?

          raise ArgumentError, "limit #{name} must be a positive number, not #{value.inspect}"
        end
        freeze
      end
    end
  end
end
