# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # A body that is certainly a file, the whole of it: read in large blocks, it gives what its each would give in lines or small pieces,
    # and its length is known. A path alone does not say so: Rack 2.1 and others name a file of which they send a part.
    class FileBody
      BLOCK = 65_528
      # A FIFO would be waited for.
      OPEN = File::RDONLY | File::BINARY | File::NONBLOCK
      private_constant :BLOCK, :OPEN

      attr_reader :size

      # The FileBody, or nil where the body has to be enumerated. ranged: whether a part was asked for.
      def self.of(body, head, ranged:)
        return of_file(body) if body.is_a?(File)
        # From Ruby 3.2 on every IO has a to_path.
        return unless body.respond_to?(:to_path) && !body.is_a?(IO) && !head.partial? && !head.chunked?
        # Somebody has removed the length of what may be a part.
        return if ranged && head.length.nil?

        path = body.to_path
        return unless path.is_a?(String) || path.respond_to?(:to_path) # a number would be a descriptor
        # A Tempfile and the like: each begins where it stands.
        return if body.respond_to?(:pos) && body.pos.positive?

        of_path(path, head.length)
      end

      # From where it stands, since that is what each gives. An empty file may be one of /proc, whose size is not known.
      def self.of_file(file)
        return unless file.stat.file? && file.method(:each).owner == IO && file.internal_encoding.nil?

        size = file.size - file.pos
        new(file, size, own: false) if size.positive?
      end
      private_class_method :of_file

      # Not there, not readable, not a regular file: the body may still know what to do.
      def self.of_path(path, length)
        file = File.open(path, OPEN)
        size = file.size
        return new(file, size, own: true) if file.stat.file? && size.positive? && (length.nil? || length == size)

        file.close
        nil
      rescue SystemCallError, ArgumentError, TypeError
        nil
      end
      private_class_method :of_path

      def initialize(file, size, own:)
        @file = file
        @size = size
        @own = own
      end

      # No more than was promised, where somebody still writes to the file.
      def each
        block = String.new(capacity: BLOCK)
        left = @size
        while left.positive? && @file.read([BLOCK, left].min, block)
          left -= block.bytesize
          yield block
        end
      end

      # One that the application has opened is its to close.
      def close
        @file.close if @own
      end
    end
  end
end
