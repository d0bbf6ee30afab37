# frozen_string_literal: true

require "etc"

# What /proc tells of the memory of one process: its areas, its pages and what is in them.
class AddressSpace
  PAGE = Etc.sysconf(Etc::SC_PAGESIZE)
  LAST = 1 << 63 # no seek goes further; who has fewer bits for an address gets an error from the kernel
  PRESENT = 1 << 63
  SWAPPED = 1 << 62
  FILE = 1 << 61 # of a file, or shared memory
  EXCLUSIVE = 1 << 56 # no other process has it. Unlike the page frame's number it is told to those who are not root

  # A line of /proc/PID/maps.
  Area = Struct.new(:first, :after, :mode, :name) do
    def writable?
      mode.include?("w")
    end

    def pages
      (after - first) / PAGE
    end
  end

  attr_reader :pid, :areas

  def initialize(pid)
    @pid = pid
    @areas = File.readlines("/proc/#{pid}/maps").map { |line| area(line) }
    @pagemap = File.open("/proc/#{pid}/pagemap", "rb")
    @memory = File.open("/proc/#{pid}/mem", "rb")
  end

  # The entries of /proc/PID/pagemap of all pages of an area.
  def entries(area)
    @pagemap.sysseek(area.first / PAGE * 8)
    @pagemap.sysread(area.pages * 8).unpack("Q*")
  rescue SystemCallError, EOFError
    [] # [vsyscall]
  end

  # Whether this is a page that was written, and is of no other process.
  def own?(entry)
    (entry & PRESENT).positive? && (entry & FILE).zero? && (entry & EXCLUSIVE).positive?
  end

  # Whether the process has a page there that is not one of a file as it was read: one that was written.
  def anonymous?(address)
    @pagemap.sysseek(address / PAGE * 8)
    entry = @pagemap.sysread(8).unpack1("Q")
    (entry & SWAPPED).positive? || ((entry & PRESENT).positive? && (entry & FILE).zero?)
  end

  def read(address, size)
    return unless address < LAST

    @memory.sysseek(address)
    @memory.sysread(size)
  rescue SystemCallError, EOFError
    nil
  end

  # Kilobytes of page tables.
  def page_tables
    File.read("/proc/#{@pid}/status")[/^VmPTE:\s+(\d+)/, 1].to_i
  end

  private

  def area(line)
    range, mode, _offset, _device, _inode, name = line.chomp.split(" ", 6)
    first, after = range.split("-").map(&:hex)
    Area.new(first, after, mode, name.to_s)
  end
end
