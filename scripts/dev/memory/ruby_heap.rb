# frozen_string_literal: true

require_relative "address_space"

# Recognizes pages of Ruby's heap in the memory of a process, and says what happened to the objects on them. Nothing is asked of
# that process: a heap page begins with a pointer to its descriptor (struct heap_page), which tells the size of its slots and
# where the first one is.
class RubyHeap
  SIZES = [65_536, 16_384].freeze # of a heap page, from Ruby 3.2 on and before
  REST = 2048 # bytes at most that no slot fills
  DESCRIPTOR = 96 # bytes of it that are read
  SLOTS = [40, 80, 160, 320, 640].freeze
  TYPES = { 1 => "Object", 2 => "Class", 3 => "Module", 4 => "Float", 5 => "String", 6 => "Regexp", 7 => "Array", 8 => "Hash",
            9 => "Struct", 10 => "Bignum", 11 => "File", 12 => "Data", 13 => "MatchData", 14 => "Complex", 15 => "Rational", 20 => "Symbol",
            26 => "imemo", 28 => "IClass" }.freeze
  IMEMO = %w[env cref svar throw_data ifunc memo method iseq tmpbuf ast strterm callinfo callcache constcache].freeze
  IMEMO_SHIFT = 12
  TYPE = 0x1f # in the first word of an object
  AGE = 0b110_0000 # there as well, before Ruby 3.3

  Page = Struct.new(:slot, :first, :count, :descriptor)

  def initialize(space)
    @space = space
    @pages = {}
  end

  # The heap page that this address is in, or nil.
  def page(address)
    SIZES.each do |size|
      key = [address & -size, size]
      found = @pages.fetch(key) { @pages[key] = recognize(*key) }
      return found if found
    end
    nil
  end

  # Yields what happened to each slot in this page of memory that is not as in the other process, and the kind of object. A slot
  # that begins in the page before counts where its part in this one differs.
  def differences(page, address, other)
    each_slot(page, address) do |slot|
      before = other.read(slot, page.slot)
      now = @space.read(slot, page.slot)
      next unless before && now

      part = [address, slot].max - slot...[address + AddressSpace::PAGE, slot + page.slot].min - slot
      yield(*compare(before, now)) if before[part] != now[part]
    end
  end

  private

  def recognize(base, size)
    descriptor = @space.read(base, 8)&.unpack1("Q").to_i
    return unless descriptor.positive? && (descriptor % 8).zero?

    head = @space.read(descriptor, DESCRIPTOR) || ""
    slot, count = head.unpack("SS")
    slot, count = SLOTS.first, slot unless SLOTS.include?(slot) # before Ruby 3.1 all have the same size, which is not told
    return unless count && SLOTS.include?(slot) && (size - REST..size).cover?(slot * count)

    first = head.unpack("Q*").find { |word| word > base && word <= base + REST }
    Page.new(slot, first, count, descriptor) if first
  end

  def each_slot(page, address)
    index = [(address - page.first) / page.slot, 0].max
    while index < page.count && (slot = page.first + (index * page.slot)) < address + AddressSpace::PAGE
      yield slot
      index += 1
    end
  end

  def compare(before, now)
    was = before.unpack1("Q")
    is = now.unpack1("Q")
    return [:free_list, "free slot"] if free?(was) && free?(is)
    return [:allocated, name(is)] if free?(was)
    return [:freed, name(was)] if free?(is)
    return [:reused, name(is)] if (was & TYPE) != (is & TYPE) || before[8, 8] != now[8, 8]
    return [:contents, name(is)] if before[8..] != now[8..]

    [((was ^ is) & ~AGE).zero? ? :age : :flags, name(is)]
  end

  def free?(flags)
    (flags & TYPE).zero?
  end

  def name(flags)
    type = TYPES.fetch(flags & TYPE, "other")
    type == "imemo" ? "imemo #{IMEMO[(flags >> IMEMO_SHIFT) & 0xf]}" : type
  end
end
