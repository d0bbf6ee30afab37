# frozen_string_literal: true

require_relative "record"

module PreforkLauncher
  module FastCGI
    # The beginning of a request as web servers send nearly every one: BEGIN_REQUEST of request 1, a record of PARAMS and an empty
    # one, in one piece. It is compared with that as a whole, since to read record by record takes as long as all parameters.
    class Opening
      ID = 1
      # Up to the length of the PARAMS, by whether the connection is to be kept.
      BEGINS = { 0 => false, Record::KEEP_CONN => true }.transform_keys do |flags|
        [Record::VERSION, Record::BEGIN_REQUEST, ID, 8, 0, Record::RESPONDER, flags,
         Record::VERSION, Record::PARAMS, ID].pack("CCnnnnCx5CCn").freeze
      end.freeze
      BEGIN_BYTES = 20
      BYTES = 24 # with the rest of that record's header
      STOP = [Record::VERSION, Record::PARAMS, ID, 0, 0].pack("CCnnn").freeze
      private_constant :BEGINS, :BEGIN_BYTES, :BYTES, :STOP

      # Returns what there is at an offset; nil where it is anything else, not all has come, or there is more than so many bytes.
      def self.at(buffer, offset, max)
        keep = BEGINS[buffer.byteslice(offset, BEGIN_BYTES)]
        return if keep.nil? || buffer.bytesize < offset + BYTES

        length = buffer.getbyte(offset + 20) << 8 | buffer.getbyte(offset + 21)
        start = offset + BYTES
        stop = start + length + buffer.getbyte(offset + 22)
        return if length.zero? || length > max || buffer.byteslice(stop, STOP.bytesize) != STOP

        new(keep, buffer.byteslice(start, length), stop + STOP.bytesize)
      end

      # What the PARAMS are, and where they end.
      attr_reader :params, :stop

      def initialize(keep, params, stop)
        @keep = keep
        @params = params
        @stop = stop
      end

      def keep?
        @keep
      end
    end
  end
end
