# frozen_string_literal: true

# "chunk 0" …, each but the first behind its gate, if there are any.
class EachBody
  def initialize(count, gates)
    @count = count
    @gates = gates
  end

  def each
    @count.times do |n|
      @gates[n - 1].wait if @gates && n.positive?
      yield "chunk #{n}\n"
    end
  end
end

# The same as a streaming body of Rack 3: it gets the stream and closes it.
class CallableBody
  def initialize(count, gates)
    @chunks = EachBody.new(count, gates)
  end

  def call(stream)
    @chunks.each { |chunk| stream.write(chunk) }
  ensure
    stream.close
  end
end

# A body of the size asked for: "0123456789" again and again.
class BigBody
  PIECE = ("0123456789" * 6_400).freeze

  def initialize(size)
    @size = size
  end

  def each
    left = @size
    while left.positive?
      piece = left < PIECE.bytesize ? PIECE.byteslice(0, left) : PIECE
      yield piece
      left -= piece.bytesize
    end
  end
end
