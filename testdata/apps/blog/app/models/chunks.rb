# frozen_string_literal: true

# A response body in pieces: chunk 0 at once, each further one when its gate
# opens, "NAME.1", "NAME.2" …; without a name it waits for nothing.
class Chunks
  def initialize(count, gate)
    @count = count
    @gates = (1...count).map { |n| Gate.new("#{gate}.#{n}") } if gate
  end

  # Rails 7 calls it without a block where a server asks the body for an array.
  def each
    return to_enum unless block_given?

    @count.times do |n|
      @gates[n - 1].wait if @gates && n.positive?
      yield "chunk #{n}\n"
    end
  end
end
