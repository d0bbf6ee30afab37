# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # Reads a body that is certainly a whole file in large blocks, where its each would give lines or small pieces; its
    # length is known. A path alone does not make it certain: Rack 2.1 and others name a file of which they send a part.
    class FileBody
      BLOCK = 65_528
      # A FIFO would be waited for.
      OPEN = File::RDONLY | File::BINARY | File::NONBLOCK
      private_constant :BLOCK, :OPEN

      attr_reader :size

      # Returns the FileBody, or nil where the body has to be enumerated. ranged: whether a part was requested.
      def self.of(body, head, ranged:)
        return of_file(body) if body.is_a?(File)
        # From Ruby 3.2 on every IO has a to_path.
        return unless body.respond_to?(:to_path) && !body.is_a?(IO) && !head.partial? && !head.chunked?
        # A middleware has removed the length of what may be a part.
        return if ranged && head.length.nil?

        path = body.to_path
        return unless path.is_a?(String) || path.respond_to?(:to_path) # a number would be a descriptor
        # A Tempfile and the like: each begins where it stands.
        return if body.respond_to?(:pos) && body.pos.positive?

        of_path(path, head.length)
      end

      # Reads from the current position, since that is what each gives. An empty file may be one of /proc, whose size is
      # not known.
      def self.of_file(file)
        return unless file.stat.file? && file.method(:each).owner == IO && file.internal_encoding.nil?

        size = file.size - file.pos
        new(file, size, own: false) if size.positive?
      end
      private_class_method :of_file

      # Returns nil for what is missing, not readable or not a regular file: enumerating the body may still work.
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

      # Sends as many bytes as the size says, or fewer where a small file has shrunk meanwhile, and returns how many. Yields before
      # each record.
      def send_to(output, &before)
        output.copy_file(@file, @size, &before)
      end

      # Yields as many bytes as the size says, also where the file grows meanwhile.
      def each
        block = String.new(capacity: BLOCK)
        left = @size
        while left.positive? && @file.read([BLOCK, left].min, block)
          left -= block.bytesize
          yield block
        end
      end

      # Closes the file, unless the application has opened it.
      def close
        @file.close if @own
      end
    end
  end
end
