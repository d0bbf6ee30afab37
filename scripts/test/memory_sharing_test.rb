# frozen_string_literal: true

require "minitest"
require "open3"
require "rbconfig"

# In a Ruby of its own, whose limits are nobody else's.
class MemorySharingTest < Minitest::Test
  SCRIPTS = File.expand_path("..", __dir__)
  PROGRAM = <<~'RUBY'
    require "socket"
    require "stringio"
    require "tempfile"
    require "memory_sharing"
    require "settings"
    settings = PreforkLauncher::Settings.new("root" => "/", "generation" => "1", "entry" => "config.ru", "without" => ENV["WITHOUT"],
                                      "warmup_paths" => "/posts", "warmup_host" => "localhost", "warmup_count" => "1")
    asked = []
    memory_sharing = PreforkLauncher::MemorySharing.new(settings, PreforkLauncher::FastCGI::ErrorStream.new($stdout))
    Process.setrlimit(:NOFILE, 0) if ENV["POOR"]
    memory_sharing.prepare(->(env) { asked << env["PATH_INFO"]; [200, {}, ["ok"]] })
    puts "asked: #{asked.join(' ')}"
  RUBY

  def ruby(env = {})
    output, status = Open3.capture2e(env, RbConfig.ruby, "-w", "-I", SCRIPTS, "-e", PROGRAM)
    assert status.success?, output
    output
  end

  ROOM = <<~'RUBY'
    require "memory_sharing"
    require "settings"
    settings = PreforkLauncher::Settings.new("root" => ARGV[0], "generation" => "1", "entry" => "config.ru")
    before = GC.stat(:heap_available_slots)
    PreforkLauncher::MemorySharing.new(settings, nil).make_room
    print GC.stat(:heap_available_slots) > before + 100_000
  RUBY

  # What is no Rails application may be a tenth of one.
  def test_room_is_made_for_rails_applications
    skip "pages of this Ruby's heap are large" unless RUBY_VERSION < "3.2"
    blog = File.expand_path("../../testdata/apps/blog", __dir__)
    roots = { blog => "true", File.dirname(blog) => "false" }
    roots.each do |root, grown|
      output, = Open3.capture2e(RbConfig.ruby, "-I", SCRIPTS, "-e", ROOM, root)
      assert_equal grown, output
    end
  end

  def test_requests_before_and_after_the_compaction
    assert_equal "asked: /posts /posts\n", ruby
  end

  # No descriptor is left: nothing of this keeps an application from starting.
  def test_requests_that_cannot_be_sent_are_told
    output = ruby("POOR" => "1")
    assert_match(/^launcher: exercising the responder is given up: Errno::EMFILE/, output)
    assert_match(/^launcher: warm-up is given up: Errno::EMFILE/, output)
    assert_match(/^asked: $/, output)
  end

  def test_it_can_be_switched_off
    refute_match(/responder/, ruby("POOR" => "1", "WITHOUT" => "responder"))
  end
end
