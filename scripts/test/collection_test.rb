# frozen_string_literal: true

require "minitest"
require "open3"
require "rbconfig"

# In a Ruby of its own, whose garbage is nobody else's.
class CollectionTest < Minitest::Test
  SCRIPTS = File.expand_path("..", __dir__)
  # Each request takes so many seconds, by a clock of its own, and each collection none.
  PRELUDE = <<~'RUBY'
    require "worker/collection"
    4.times { GC.start }
    now = 0.0
    seconds = 1.0
    inside = 0
    collection = PreforkLauncher::Collection.new(clock: -> { now })
    request = lambda do |objects|
      before = GC.count
      kept = Array.new(objects) { Object.new }
      kept.size
      now += seconds
      inside += GC.count - before
      collection.request_finished
      true
    end
    counts = -> { [GC.stat(:minor_gc_count), GC.stat(:major_gc_count)] }
  RUBY

  # As the launcher sets it: by default a few free places bring about a major collection.
  ENVIRONMENT = { "RUBY_GC_HEAP_FREE_SLOTS_MIN_RATIO" => "0.02" }.freeze

  def ruby(program)
    output, errors, status = Open3.capture3(ENVIRONMENT, RbConfig.ruby, "-w", "-I", SCRIPTS, "-e", PRELUDE + program)
    assert status.success?, errors
    assert_empty errors.lines.grep_v(/\ARUBY_GC_/) # -w makes Ruby tell that it was heard
    output.split.map(&:to_i)
  end

  # Large requests find their room free: next to none is interrupted, and none is taken for old. That holds also where a connection
  # always waits.
  def test_collects_before_ruby_has_to
    inside, minor, major = ruby(<<~'RUBY')
      request.(700)
      was = counts.()
      inside = 0
      600.times { request.(700) }
      puts inside, *counts.().zip(was).map { |now, then_| now - then_ }
    RUBY
    assert_equal 0, major
    assert_operator minor, :>, 20
    assert_operator inside, :<, minor / 5
  end

  # Requests that are as large take next to no time: Ruby collects in them, as it would without this, and nothing more is spent.
  def test_what_is_not_covered_is_left_to_ruby
    inside, minor, major = ruby(<<~'RUBY')
      seconds = 1e-6
      was = counts.()
      inside = 0
      200.times { request.(2000) && collection.idle }
      puts inside, *counts.().zip(was).map { |now, then_| now - then_ }
    RUBY
    assert_operator inside, :>, 5
    assert_equal inside, minor + major
  end

  # Where Ruby does not tell of each size how many places are free, or where it is told to do so, it collects while no connection
  # waits, as soon as there is something to collect.
  def test_collects_early_or_when_needed
    assert_equal [0, 0, 0, 0, 2], ruby(<<~'RUBY')
      [[false, 1], [true, 1], [true, 5000]].each do |early, objects|
        collection = PreforkLauncher::Collection.new(early: early, clock: -> { now })
        GC.start
        collection.idle
        request.(objects)
        [-> {}, -> { collection.idle }].last(objects == 1 ? 2 : 1).each do |after|
          was = GC.count
          50.times { request.(objects) && after.() }
          puts [(GC.count - was) / 25, 2].min # Ruby makes some of its own
        end
      end
    RUBY
  end

  # On a connection that is kept somebody has to be asked whether others wait.
  def test_collects_nothing_while_others_wait
    assert_equal [1, 0, 1], ruby(<<~'RUBY')
      room = Array.new(1_000_000) { Object.new } # so that no request needs a collection
      GC.start
      collected = 0
      collection = PreforkLauncher::Collection.new(early: true, clock: -> { now }, collector: -> { collected += 1 })
      [false, true, false].each do |others|
        counts = Array.new(50) do
          request.(5000)
          before = collected
          collection.idle { others }
          collected - before
        end
        puts counts.max
        GC.start
      end
      room.clear
    RUBY
  end

  # A heap that has grown bit by bit has more free places than one that was told its size: each one that is filled is a
  # part of a page that is copied.
  def test_fills_no_more_free_places_than_a_heap_has_that_knows_its_size
    collections, = ruby(<<~'RUBY')
      much = Array.new(400_000) { Object.new }
      much = nil
      GC.start
      collection = PreforkLauncher::Collection.new(clock: -> { now })
      live = GC.stat(:heap_live_slots)
      was = GC.count
      60.times { request.(live / 20) }
      puts GC.count - was
    RUBY
    assert_operator collections, :>=, 8
  end

  # One that has more garbage than there is room for is interrupted, and the next one begins anew.
  def test_a_request_that_is_too_large
    assert_equal [1, 1], ruby(<<~'RUBY')
      was = GC.count
      request.(GC.stat(:heap_available_slots) * 2)
      puts inside.positive? ? 1 : 0, GC.count - was - inside
    RUBY
  end

  # A major one that is due takes many times as long: only while no connection waits. Else Ruby does it in steps, as ever.
  def test_a_major_one_waits_until_no_connection_does
    assert_equal [0, 1], ruby(<<~'RUBY')
      PreforkLauncher::Collection::Plans.singleton_class.send(:remove_method, :major?)
      PreforkLauncher::Collection::Plans.define_singleton_method(:major?) { true } # what is old enough differs by Ruby
      request.(GC.stat(:heap_available_slots) * 2)
      was = GC.count
      request.(1)
      puts GC.count - was
      collection.idle
      puts GC.count - was
    RUBY
  end

  # The record of the scoreboard has what has come of it, with the clock of the requests.
  def test_the_record_is_told
    assert_equal [3, 0], ruby(<<~'RUBY')
      record = Struct.new(:told) { def collections(*told); self.told = told; end }.new
      collection = PreforkLauncher::Collection.new(record: record, early: true, clock: -> { now })
      3.times { request.(5000) && collection.idle }
      puts record.told
    RUBY
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

        def response_begun; end

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
