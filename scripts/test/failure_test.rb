# frozen_string_literal: true

require "minitest"
require "json"
require "failure"

class FailureTest < Minitest::Test
  ROOT = "/srv/shop"

  def failure(error, root: ROOT)
    PreforkLauncher::Failure.new(error, root: root).to_h
  end

  def error(message = "boom", frames = [], kind = RuntimeError)
    kind.new(message).tap { |error| error.set_backtrace(frames) }
  end

  def test_application_frames_apart_and_relative
    told = failure(error("no database", [
                           "/usr/lib/ruby/gems/pg/lib/pg.rb:5:in `connect'",
                           "/srv/shop/vendor/bundle/ruby/3.1.0/gems/x/lib/x.rb:1:in `x'",
                           "/srv/shop/config/initializers/db.rb:3:in `block in <main>'",
                           "/srv/shop/.bundle/gems/y.rb:1",
                           "<internal:kernel>:90:in `tap'",
                           "launcher/preloader.rb:40:in `load_app'",
                           "/srv/shopping/other.rb:1"
                         ]))
    assert_equal "RuntimeError", told[:class]
    assert_equal "no database", told[:message]
    assert_equal ["config/initializers/db.rb:3:in `block in <main>'"], told[:app_frames]
    assert_equal ["/usr/lib/ruby/gems/pg/lib/pg.rb:5:in `connect'", "vendor/bundle/ruby/3.1.0/gems/x/lib/x.rb:1:in `x'",
                  ".bundle/gems/y.rb:1", "/srv/shopping/other.rb:1"], told[:backtrace]
  end

  def test_a_folder_of_the_application_with_the_launchers_name
    told = failure(error("x", ["/srv/shop/launcher/pad.rb:2:in `start'", "launcher/worker.rb:2:in `run'"]))
    assert_equal ["launcher/pad.rb:2:in `start'"], told[:app_frames]
    assert_empty told[:backtrace]
  end

  def test_root_of_the_file_system
    assert_equal ["config.ru:1"], failure(error("x", ["/config.ru:1"]), root: "/")[:app_frames]
  end

  def test_what_is_cut_says_so
    frames = Array.new(40) { |i| "/srv/shop/#{'d' * 600}.rb:#{i}" }
    told = failure(error("é" * 5_000, frames))
    assert_equal "#{'é' * 4_000} (cut: 10000 bytes)", told[:message]
    assert_equal 31, told[:app_frames].size
    assert_equal "(10 more)", told[:app_frames].last
    assert_match(/\Ad{500} \(cut: 60\d bytes\)\z/, told[:app_frames].first)
  end

  def test_a_character_is_not_cut_in_two
    told = failure(error("x#{'é' * 5_000}"))
    assert told[:message].valid_encoding?
    assert_equal "x#{'é' * 3_999} (cut: 10001 bytes)", told[:message]
  end

  def test_bytes_of_any_encoding_become_json
    latin = "caf\xE9".dup.force_encoding(Encoding::ISO_8859_1)
    wide = "caf\u00E9".encode(Encoding::UTF_16LE)
    assert_equal ["a?b", "café", "café"], ["a\xFFb".b, latin, wide].map { |text| failure(error(text))[:message] }
    assert_equal ["caf?.rb:1"], failure(error("x", ["/srv/shop/caf\xE9.rb:1".b]))[:app_frames]
    assert JSON.generate(failure(error("\xFF", ["\xFF"])))
  end

  def test_cause_in_another_encoding
    wrapped = begin
      begin
        raise ArgumentError, "caf\xE9".dup.force_encoding(Encoding::ISO_8859_1)
      rescue ArgumentError
        raise "größer"
      end
    rescue RuntimeError => error
      error
    end
    assert_equal "größer (caused by ArgumentError: café)", failure(wrapped)[:message]
  end

  def test_exit
    left = SystemExit.new(3)
    left.set_backtrace(["/srv/shop/config.ru:2:in `exit'"])
    told = failure(left)
    assert_equal "status 3", told[:message]
    assert_equal "SystemExit", told[:class]
    assert_equal ["config.ru:2:in `exit'"], told[:app_frames]
  end

  def test_a_message_that_raises
    broken = Class.new(StandardError) { define_method(:message) { raise "again" } }.new
    told = failure(broken)
    assert_equal "(its message raised RuntimeError)", told[:message]
    assert_equal "anonymous exception", told[:class]
    assert_empty told[:app_frames]
  end

  def test_every_part_of_an_exception_may_raise
    broken = Class.new(StandardError) { %i[message cause backtrace].each { |part| define_method(part) { raise NotImplementedError } } }
    broken.define_singleton_method(:name) { raise "again" }
    told = failure(broken.new)
    assert_equal ["(its class raised RuntimeError)", "(its message raised NotImplementedError)"], told.values_at(:class, :message)
    assert_equal ["(its backtrace raised NotImplementedError)"], told[:app_frames]
    assert_match(/\A\(its class raised RuntimeError\): \(its message raised/, PreforkLauncher::Failure.new(broken.new, root: ROOT).line)
    endless = Class.new(StandardError) { define_method(:message) { message } }.new
    assert_equal "(its message raised SystemStackError)", failure(endless)[:message]
  end

  def test_what_a_terminal_would_obey
    told = failure(error("a\e[31m\u202e\nb", ["/srv/shop/c\u009b.rb:1"]))
    assert_equal "a\\u001b[31m\\u202e\nb", told[:message]
    assert_equal ['c\u009b.rb:1'], told[:app_frames]
  end

  def test_a_file_of_the_application_that_is_missing
    missing = error("cannot load such file -- /srv/shop/lib/gone", ["/usr/lib/ruby/require.rb:5"], LoadError)
    missing.define_singleton_method(:path) { "/srv/shop/lib/gone" }
    assert_equal ["lib/gone (not loaded)"], failure(missing)[:app_frames]
    gem = error("cannot load such file -- pg", [], LoadError)
    gem.define_singleton_method(:path) { "pg" }
    assert_empty failure(gem)[:app_frames]
    assert_empty failure(error("no path", [], LoadError))[:app_frames]
  end
end
