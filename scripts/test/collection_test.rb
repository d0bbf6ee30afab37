# frozen_string_literal: true

require "minitest"
require "open3"
require "rbconfig"

# In a Ruby of its own, whose garbage is nobody else's.
class CollectionTest < Minitest::Test
  SCRIPTS = File.expand_path("..", __dir__)
  PRELUDE = <<~'RUBY'
    require "worker/collection"
    4.times { GC.start }
    collection = PreforkLauncher::Collection.new
    request = ->(objects) { kept = Array.new(objects) { Object.new }; kept.size }
    counts = -> { [GC.stat(:minor_gc_count), GC.stat(:major_gc_count)] }
  RUBY

  def ruby(program)
    output, status = Open3.capture2e(RbConfig.ruby, "-w", "-I", SCRIPTS, "-e", PRELUDE + program)
    assert status.success?, output
    output.split.map(&:to_i)
  end

  # Large requests find their room free: none is interrupted, and none is taken for old.
  def test_collects_before_ruby_has_to
    inside, minor, major = ruby(<<~'RUBY')
      request.(2000)
      collection.request_finished
      was = counts.()
      inside = 0
      200.times do
        before = GC.count
        request.(2000)
        inside += GC.count - before
        collection.request_finished
      end
      minor, major = counts.().zip(was).map { |now, then_| now - then_ }
      puts inside, minor, major
    RUBY
    assert_equal [0, 0], [inside, major]
    assert_operator minor, :>, 20
  end

  # What a collection takes is at most an eighth, where there is room for more than one request.
  def test_small_requests_are_not_followed_by_a_collection_each
    minor, = ruby(<<~'RUBY')
      request.(10)
      collection.request_finished
      was = counts.().first
      100.times { request.(10); collection.request_finished }
      puts counts.().first - was
    RUBY
    assert_operator minor, :<, 20
  end

  # One that has more garbage than there is room for is interrupted, and the next one begins anew.
  def test_a_request_that_is_too_large
    minor, = ruby(<<~'RUBY')
      was = GC.count
      request.(GC.stat(:heap_available_slots) * 2)
      inside = GC.count - was
      abort "not too large" if inside.zero?
      collection.request_finished
      puts GC.count - was - inside
    RUBY
    assert_equal 1, minor
  end

  # What a request has made is young when garbage is collected after it. One reference from an object that is old, the responder, and
  # all of it would be taken for old.
  def test_what_a_request_has_made_does_not_grow_old
    assert_equal [0], ruby(<<~'RUBY')
      require "json"
      require "objspace"
      require "socket"
      require "fastcgi/responder"
      PreforkLauncher::FastCGI.require_libraries
      $: << File.join($:.first, "test/support")
      require "fastcgi_client"
      class Made; end
      class Observer
        attr_reader :old

        def initialize
          @old = []
        end

        def request_started(*); end

        def request_finished(status)
          GC.start(full_mark: false)
          @old << status if ObjectSpace.each_object(Made).any? { |made| JSON.parse(ObjectSpace.dump(made)).dig("flags", "old") }
        end
      end
      observer = Observer.new
      responder = PreforkLauncher::FastCGI::Responder.new(->(env) { (env["made"] = Made.new) && [200, {}, ["ok"]] }, observer: observer)
      4.times { GC.start } # as before a fork
      8.times do
        ours, theirs = UNIXSocket.pair
        ours.write(FastCGIClient::Wire.request(FastCGIClient.params("/")))
        responder.serve(theirs)
      end
      print observer.old.size
    RUBY
  end
end
