# frozen_string_literal: true

require_relative "address_space"
require_relative "malloc_arenas"
require_relative "ruby_heap"

# Sorts the pages that a worker has for itself by why it does. A page that its preloader has too, at the same address, was copied:
# the worker has written to it. What is there tells who: the two are compared.
class PrivatePages
  PAGE = AddressSpace::PAGE
  MAPPED = 2 # in the size of a chunk of malloc's that has pages of its own

  # Kilobytes by cause, [of, what, :copied or :new]; and how many slots or words of each kind were written, for who wants to know more.
  attr_reader :causes, :details

  def initialize(worker, preloader)
    @worker = AddressSpace.new(worker)
    @preloader = AddressSpace.new(preloader)
    @heap = RubyHeap.new(@worker)
    @chunks = MallocArenas.new(@worker)
    @chunks_before = MallocArenas.new(@preloader)
    @causes = Hash.new(0)
    @details = Hash.new(0)
    @descriptors = {} # pages of memory that have one
    count
  end

  private

  def count
    @worker.areas.each { |area| remember_descriptors(area) if area.name.empty? && area.writable? }
    @worker.areas.each do |area|
      @worker.entries(area).each_with_index do |entry, index|
        @causes[cause(area, area.first + (index * PAGE))] += PAGE / 1024 if @worker.own?(entry)
      end
    end
    @causes[["kernel", "page tables", :new]] += @worker.page_tables
  end

  def remember_descriptors(area)
    step = RubyHeap::SIZES.min
    ((area.first + step - 1) / step * step...area.after).step(step) do |address|
      page = @heap.page(address)
      @descriptors[page.descriptor / PAGE] = @descriptors[(page.descriptor + RubyHeap::DESCRIPTOR) / PAGE] = true if page
    end
  end

  def cause(area, address)
    copied = @preloader.anonymous?(address) ? :copied : :new
    return of_file(area, copied) unless ["", "[heap]"].include?(area.name)

    page = @heap.page(address)
    return ["Ruby heap", copied == :new ? "more pages" : of_objects(page, address), copied] if page

    part = @chunks.part(address)
    return ["malloc, #{part.name}", copied == :new ? "more memory" : of_chunks(address), copied] if part

    ["other mappings", mapping(area), copied]
  end

  def of_file(area, copied)
    area.name == "[stack]" ? ["stacks", "main thread", copied] : ["libraries", "data", :copied]
  end

  # A large chunk of malloc's says its size; what is left are stacks of threads, mostly.
  def mapping(area)
    size = @worker.read(area.first + 8, 8)&.unpack1("Q").to_i
    size & MAPPED != 0 && (size & ~7) <= area.after - area.first && size > PAGE ? "large pieces of malloc" : "stacks of threads, and others"
  end

  def of_objects(page, address)
    seen = {}
    @heap.differences(page, address, @preloader) do |what, kind|
      seen[what] = true
      @details[["Ruby heap", what, kind]] += 1
    end
    return "objects of requests" if %i[allocated reused free_list freed].any? { |what| seen[what] }
    return "objects that are there already, written" if seen[:contents] || seen[:flags]

    seen[:age] ? "objects that grow old" : "the same bytes written"
  end

  def of_chunks(address)
    return "descriptors of Ruby's heap pages" if @descriptors[address / PAGE]

    seen = words_written(address)
    return "free chunks" if seen[:free]

    return "caches: pointers to objects" if seen[:object]

    seen.any? ? "other values" : "the same bytes written"
  end

  def words_written(address)
    before = @preloader.read(address, PAGE).unpack("Q*")
    now = @worker.read(address, PAGE).unpack("Q*")
    before.zip(now).each_with_index.with_object({}) do |((was, is), index), seen|
      seen[of_word(address + (index * 8), is)] = true if was != is
    end
  end

  def of_word(address, now)
    was = @chunks_before.chunk(address)
    is = @chunks.chunk(address)
    return :free if was.nil? || was.free || is.nil? || is.free || was.first != is.first || was.size != is.size

    what = @heap.page(now) ? :object : :value
    @details[["malloc", what, "chunk of #{is.size}, at #{address - is.first - 16}"]] += 1
    what
  end
end
