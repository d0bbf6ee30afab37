# frozen_string_literal: true

require "minitest"
require "settings"
require_relative "support/ruby_process"

class TitleTest < Minitest::Test
  include RubyProcess

  def titles(script)
    ruby(<<~RUBY).b.split("|")
      require "settings"
      require "title"
      def shown
        print File.binread("/proc/self/cmdline").delete("\\0").strip, "|"
      end
      #{script}
    RUBY
  end

  def test_preloader
    assert_equal ["launcher preloader gen=7 /srv/shop"],
                 titles(<<~RUBY)
                   settings = { "root" => "/srv/shop", "generation" => "7", "entry" => "config.ru" }
                   PreforkLauncher::Title.preloader(PreforkLauncher::Settings.new(settings)); shown
                 RUBY
  end

  def test_worker
    assert_equal ["launcher worker slot=3 gen=2 idle", "launcher worker slot=3 gen=2 GET /posts"],
                 titles('title = PreforkLauncher::Title.worker(3, 2); title.show("idle"); shown; title.request("GET", "/posts"); shown')
  end

  def test_long_path_and_any_bytes
    start = "launcher worker slot=0 gen=1"
    assert_equal ["#{start} GET /#{'p' * 79}", "#{start} GET /ü?\\u001b\\u009b\\u202e".b, "#{start} #{'X' * 80} /"],
                 titles(<<~'RUBY')
                   title = PreforkLauncher::Title.worker(0, 1)
                   title.request("GET", "/" + "p" * 500)
                   shown
                   title.request("GET", "/ü\xFF\e\u009b\u202e".b)
                   shown
                   title.request("X" * 500, "/")
                   shown
                 RUBY
  end
end
