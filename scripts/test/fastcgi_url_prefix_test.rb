# frozen_string_literal: true

require "minitest"
require "rack"
require "rack/builder"
require "fastcgi/url_prefix"

# Who takes the prefix off the URL.
class FastCGIUrlPrefixTest < Minitest::Test
  ANSWER = ->(_env) { [200, {}, []] }

  # A middleware that names what it wraps in its own way, and one that is nobody's business.
  class Wrapper
    def initialize(app)
      @inside = app
      @options = { "/shop" => 1 }
    end

    def call(env)
      @inside.call(env)
    end
  end

  class Hostile < BasicObject
    def initialize(app)
      @app = app
    end

    def call(_env); end

    def method_missing(*) # rubocop:disable Style/MissingRespondToMissing
      ::Kernel.raise "nothing of the application is called"
    end
  end

  def prefix(path = "/shop", by: nil, &config)
    PreforkLauncher::FastCGI::UrlPrefix.new(path, by: by).tap { |prefix| prefix.examine(Rack::Builder.new(&config).to_app) }
  end

  def assert_by_app(path = "/shop", &config)
    assert prefix(path, &config).taken_by_app?(path)
  end

  def refute_by_app(path = "/shop", &config)
    refute prefix(path, &config).taken_by_app?(path)
  end

  def test_without_map
    refute_by_app { run ANSWER }
    refute_by_app { map("/") { run ANSWER } }
    refute_by_app { map("/admin") { run ANSWER } }
    refute_by_app { map("/shopping") { run ANSWER } }
    refute_by_app("/shop/a") { map("/shop") { run ANSWER } }
  end

  def test_with_map
    assert_by_app { map("/shop") { run ANSWER } }
    assert_by_app { map("/shop/") { run ANSWER } }
    assert_by_app("/a/b") { map("/a") { map("/b") { run ANSWER } } }
    assert_by_app("/a") { map("/a/b") { run ANSWER } }
    assert_by_app { map("http://shop.example.com/shop") { run ANSWER } }
    assert_by_app do
      map("/") { run ANSWER }
      map("/shop") { run ANSWER }
    end
    assert_by_app do
      map("/shop") { run ANSWER }
      run ANSWER
    end
  end

  def test_with_middleware
    assert_by_app do
      use Rack::Head
      use Wrapper
      use Rack::ETag
      map("/shop") { run ANSWER }
    end
    assert_by_app do
      map("/shop") { run ANSWER }
      use Rack::Head
      run ANSWER
    end
    refute_by_app do
      use Wrapper
      map("/admin") { run ANSWER }
    end
    assert_by_app { run Hostile.new(Rack::URLMap.new("/shop" => ANSWER)) }
  end

  def test_other_ways
    assert_by_app { run Rack::URLMap.new("/shop" => ANSWER) }
    assert_by_app { run Rack::Builder.new { map("/shop") { run ANSWER } } }
    assert_by_app { run Rack::Cascade.new([ANSWER, Rack::URLMap.new("/shop" => ANSWER)]) }
    circle = Wrapper.new(nil)
    circle.instance_variable_set(:@inside, circle)
    refute_by_app { run circle }
  end

  # What stands below another path is not the prefix.
  def test_map_of_the_same_name_further_down
    refute_by_app { map("/admin") { map("/shop") { run ANSWER } } }
  end

  def test_said_by_the_operator
    assert prefix(by: "app") { run ANSWER }.taken_by_app?("/shop")
    refute prefix(by: "launcher") { map("/shop") { run ANSWER } }.taken_by_app?("/shop")
    assert_raises(ArgumentError) { PreforkLauncher::FastCGI::UrlPrefix.new("/shop", by: "somebody") }
  end

  # A prefix that only the web server knows.
  def test_prefix_of_the_web_server
    assert prefix(nil) { map("/shop") { run ANSWER } }.taken_by_app?("/shop")
    refute prefix(nil) { run ANSWER }.taken_by_app?("/shop")
  end

  def test_path
    { nil => "", "" => "", "/" => "", "shop" => "/shop", "/shop//" => "/shop", "//a//b" => "/a/b" }.each do |given, path|
      assert_equal path, PreforkLauncher::FastCGI::UrlPrefix.new(given).path
    end
  end
end
