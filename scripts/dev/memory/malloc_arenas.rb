# frozen_string_literal: true

# Reads the chunks of glibc's malloc in the memory of a process: where each begins, how large it is and whether it is free. The
# small ones that a thread keeps for itself (tcache, fastbins) look as if they were in use.
class MallocArenas
  Chunk = Struct.new(:first, :size, :free)
  Part = Struct.new(:name, :first, :after) # of an arena
  ALIGNED = 64 << 20 # each part of an arena other than the main one begins at a multiple
  HEAD = (0x20..0xa00).freeze # where the first chunk of it may begin, behind what describes the arena
  OTHER_ARENA = 4 # in the size of a chunk
  SMALLEST = 32
  ENOUGH = 3 # chunks in a row cannot be there by chance

  def initialize(space)
    @space = space
    @chunks = {}
    @parts = parts(space.areas.select { |area| area.writable? && ["", "[heap]"].include?(area.name) })
  end

  # The part of an arena that this address is in, or nil.
  def part(address)
    @parts.find { |part| address >= part.first && address < part.after }
  end

  # The chunk that this address is in, or nil.
  def chunk(address)
    part = part(address)
    return unless part

    chunks = @chunks[part.first] ||= read(part)
    after = chunks.bsearch_index { |chunk| chunk.first > address } || chunks.size
    found = chunks[after - 1] if after.positive?
    found if found && address < found.first + found.size
  end

  private

  # What was added to one after a fork is an area of its own.
  def parts(areas)
    areas.each_with_object([]) do |area, found|
      base = area.first & -ALIGNED
      if area.name == "[heap]"
        found << Part.new("main arena", area.first, area.after)
      elsif found.any? && found.last.after == area.first && found.last.first == base
        found.last.after = area.after
      elsif area.first == base
        found << Part.new("other arenas", area.first, area.after)
      end
    end
  end

  def read(part)
    bytes = @space.read(part.first, part.after - part.first) || ""
    return walk(bytes, 0, part.first) if part.name == "main arena"

    HEAD.step(16) do |offset|
      next unless bytes.byteslice(offset + 8, 8).to_s.unpack1("Q").to_i & OTHER_ARENA != 0

      chunks = walk(bytes, offset, part.first)
      return chunks if chunks.size > ENOUGH
    end
    []
  end

  # Each chunk says whether the one before it is in use.
  def walk(bytes, offset, base)
    chunks = []
    while offset + 16 <= bytes.bytesize
      head = bytes.byteslice(offset + 8, 8).unpack1("Q")
      size = head & ~7
      break if size < SMALLEST || size % 16 != 0

      chunks.last.free = (head & 1).zero? if chunks.any?
      chunks << Chunk.new(base + offset, size, false)
      offset += size
    end
    chunks.last.free = true if chunks.any? # what nobody has had yet
    chunks
  end
end
