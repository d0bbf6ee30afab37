# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # Holds the body of a request while it arrives, and then is rack.input. It is complete before the application is
    # called, so a slow client never holds the application half way, and it can be rewound. A large one lies in a file
    # that has no name any more: it is gone with its descriptor, whatever happens to the process.
    class Input
      EMPTY = String.new.freeze
      private_constant :EMPTY

      # Returns the stream of a request without a body.
      def self.nothing
        StringIO.new(EMPTY)
      end

      attr_reader :size

      def initialize(memory_bytes)
        @memory_bytes = memory_bytes
        @size = 0
        @memory = nil
        @file = nil
      end

      def <<(bytes)
        @size += bytes.bytesize
        if @file
          @file.write(bytes)
        elsif @size > @memory_bytes
          spool(bytes)
        else
          @memory ||= String.new(capacity: @size)
          @memory << bytes
        end
        self
      end

      # Returns the stream for the application: StringIO or File, both binary and at their beginning.
      def stream
        if @file
          @file.rewind
          @file
        else
          StringIO.new(@memory || EMPTY)
        end
      end

      def discard
        @file&.close
        @file = @memory = nil
      end

      private

      def spool(bytes)
        @file = Tempfile.create("launcher-body", binmode: true)
        File.unlink(@file.path)
        @file.write(@memory) if @memory
        @file.write(bytes)
        @memory = nil
      end
    end
  end
end
