# frozen_string_literal: true

require "minitest"
require "tempfile"
require "checks/machine_check"

# With files in the place of the kernel's.
class MachineCheckTest < Minitest::Test
  GLIBC = "7f00-7f01 r-xp 00000000 08:01 1 /lib/x86_64-linux-gnu/libc.so.6\n"

  def found(maps: GLIBC, status: "THP_enabled:\t1\n", huge_pages: "always [madvise] never\n")
    files = [maps, status, huge_pages].map { |text| Tempfile.create("proc").tap { |file| file.write(text) && file.flush } }
    paths = files.map(&:path)
    check = PreforkLauncher::MachineCheck.new(nil, maps: paths[0], status: paths[1], huge_pages: paths[2])
    check.findings.map { |finding| finding.to_h.values_at(:severity, :kind, :text) }
  ensure
    files.each { |file| file.close && File.unlink(file.path) }
  end

  def test_nothing_to_say
    assert_empty found
  end

  def test_allocators
    { "libjemalloc.so.2" => %w[note jemalloc], "libtcmalloc_minimal.so.4" => %w[note tcmalloc], "ld-musl-x86_64.so.1" => %w[cost musl] }
      .each do |file, (severity, name)|
        assert_equal [[severity, "allocator", "the allocator is #{name}'s, not glibc's"]],
                     found(maps: "#{GLIBC}7f02-7f03 r-xp 00000000 08:01 2 /usr/lib/#{file}\n")
      end
    assert_empty found(maps: "#{GLIBC}7f02-7f03 r-xp 0 08:01 2 /srv/jemalloc/ruby.so\n")
  end

  def test_huge_pages
    assert_equal [["cost", "huge pages", "transparent huge pages are always on"]], found(huge_pages: "[always] madvise never\n")
    assert_empty found(huge_pages: "[always] madvise never\n", status: "THP_enabled:\t0\n")
    assert_empty found(huge_pages: "always madvise [never]\n")
    assert_empty PreforkLauncher::MachineCheck.new(nil, huge_pages: "/nowhere").findings
  end
end
