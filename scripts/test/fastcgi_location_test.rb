# frozen_string_literal: true

require_relative "support/fastcgi_case"

# SCRIPT_NAME, PATH_INFO and QUERY_STRING as an application sees them.
class FastCGILocationTest < Minitest::Test
  UrlPrefix = PreforkLauncher::FastCGI::UrlPrefix

  def setup
    @odd = false
  end

  def locate(prefix = nil, **params)
    env = params.transform_keys(&:to_s)
    PreforkLauncher::FastCGI::Location.new(prefix).apply(env)
    path = env["REQUEST_URI"][/\A[^?#]*/].sub(%r{\A\w+://[^/]*}, "")
    assert_equal path, env["SCRIPT_NAME"] + env["PATH_INFO"] unless @odd || path.match?(%r{%|//|/\.})
    env.values_at("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING")
  end

  # uri, SCRIPT_NAME, PATH_INFO, QUERY_STRING as sent; what the application sees.
  {
    "no scripts, the whole path" => ["/a/b?x=1", "/a/b", "", "x=1", ["", "/a/b", "x=1"]],
    "no scripts, the root" => ["/", "/", "", "", ["", "/", ""]],
    "lighttpd: fix-root-scriptname" => ["/a/b?x=1", "", "/a/b", "x=1", ["", "/a/b", "x=1"]],
    "lighttpd: rewrite to a script" => ["/a/b?x=1", "/dispatch.fcgi", "/a/b", "x=1", ["", "/a/b", "x=1"]],
    "lighttpd: error handler" => ["/a/b?x=1", "/dispatch.fcgi", nil, "", ["", "/a/b", "x=1"]],
    "lighttpd: script below a folder" => ["/shop/a?x=1", "/shop/dispatch.fcgi", "/a", "x=1", ["/shop", "/a", "x=1"]],
    "lighttpd: script below a folder, error handler" => ["/shop/a?x=1", "/shop/dispatch.fcgi", nil, nil, ["/shop", "/a", "x=1"]],
    "lighttpd: script below a folder, the folder" => ["/shop", "/shop/dispatch.fcgi", "", "", ["/shop", "", ""]],
    "lighttpd: script below another folder" => ["/shopping", "/shop/dispatch.fcgi", "", "", ["", "/shopping", ""]],
    "mounted at /shop" => ["/shop/a", "/shop", "/a", "", ["/shop", "/a", ""]],
    "mounted at /shop, encoded" => ["/sh%6Fp/%61%2Fb", "/shop", "/a/b", "", ["/shop", "/%61%2Fb", ""]],
    "mounted at /shop, slashes merged (nginx, Caddy)" => ["/shop//a", "/shop", "/a", "", ["/shop", "//a", ""]],
    "mounted at /shop, slashes before it" => ["//shop/a", "/shop", "/a", "", ["/shop", "/a", ""]],
    "mounted at /shop, dots followed" => ["//evil.example/../shop/./a/b/../c", "/shop", "/a/c", "", ["/shop", "/./a/b/../c", ""]],
    "mounted at a name with a space" => ["/my%20shop/a", "/my shop", "/a", "", ["/my%20shop", "/a", ""]],
    "mounted at two segments" => ["/a//b/c", "/a/b", "/c", "", ["/a/b", "/c", ""]],
    "mounted at /shop, another path below it" => ["/shop//a", "/shop", "/b", "", ["", "/shop//a", ""]],
    "mounted at /shop, the mount point" => ["/shop", "/shop", "", "", ["", "/shop", ""]],
    "script called by its name" => ["/dispatch.fcgi/a", "/dispatch.fcgi", "/a", "", ["", "/dispatch.fcgi/a", ""]],
    "HAProxy: no SCRIPT_NAME" => ["/a", nil, "/a", "", ["", "/a", ""]],
    "Caddy" => ["/a%20b?c", "", "/a b", "c", ["", "/a%20b", "c"]],
    "nothing but the URI" => ["/a%2Fb", nil, nil, nil, ["", "/a%2Fb", ""]],
    "mounted at what is no path" => ["/sh%6Fp/a", "shop", "/a", "", ["", "/sh%6Fp/a", ""]],
    "script below what is no path" => ["/sh%6Fp/a", "shop/dispatch.fcgi", "/a", "", ["", "/sh%6Fp/a", ""]],
    "mounted at two slashes" => ["//a/b", "//", "/a/b", "", ["", "//a/b", ""]],
    "mounted at a name behind two slashes" => ["//shop/a", "//shop", "/a", "", ["/shop", "/a", ""]],
    "script below what would name a host" => ["//evil.example/a", "//evil.example/dispatch.fcgi", "/a", "", ["/evil.example", "/a", ""]],
    "script name that is no segment" => ["/shopping/a", "/shop", "ping/a", "", ["", "/shopping/a", ""]],
    "script name with a slash at its end" => ["/shop/a", "/shop/", "a", "", ["", "/shop/a", ""]],
    "script name longer than the URI (CVE-2019-11043)" => ["/a", "/index.php/%0a/aaaaaaaaaaaaaaa", "", "", ["", "/a", ""]],
    "path longer than the URI (CVE-2019-11043)" => ["/a", "/a", "/aaaaaaaaaaaaaaaaaaaaaaaa", "", ["", "/a", ""]],
    "path that is not the rest" => ["/shop/a", "/shop", "/b", "", ["", "/shop/a", ""]],
    "path that is not the URI's" => ["/a/b", "/x", "/y", "", ["", "/a/b", ""]],
    "script name without a slash" => ["/a", ".fcgi", "", "", ["", "/a", ""]],
    "broken percent signs" => ["/%/%g/%4", "/%", "/%g/%4", "", ["/%25", "/%g/%4", ""]],
    "several slashes" => ["//a//b", "", "", "", ["", "//a//b", ""]],
    "several question marks" => ["/a?b?c", "", "", "", ["", "/a", "b?c"]],
    "fragment" => ["/a?b#c?d", "", "", "", ["", "/a", "b"]],
    "bytes above 127" => ["/\xC3\xBC?\xFF", "/\xC3\xBC", "", "", ["", "/\xC3\xBC", "\xFF"]]
  }.each do |name, (uri, script, path, query, expected)|
    define_method("test_#{name}") do
      params = { REQUEST_URI: uri, SCRIPT_NAME: script, PATH_INFO: path, QUERY_STRING: query }
      params = params.compact.transform_values { |value| value.dup.b }
      assert_equal expected.map(&:b), locate(**params)
    end
  end

  # lighttpd with the key "/" sends what another server sends for an application mounted at /a.
  def test_script_name_of_lighttpd
    lighttpd = { SERVER_SOFTWARE: "lighttpd/1.4.69" }
    assert_equal ["", "/a/b", ""], locate(REQUEST_URI: "/a/b", SCRIPT_NAME: "/a", PATH_INFO: "/b", **lighttpd)
    assert_equal ["", "/a/", ""], locate(REQUEST_URI: "/a/", SCRIPT_NAME: "/a", PATH_INFO: "/", **lighttpd)
    assert_equal ["", "/a", ""], locate(REQUEST_URI: "/a", SCRIPT_NAME: "/a", **lighttpd)
    assert_equal ["", "/", ""], locate(REQUEST_URI: "/", SCRIPT_NAME: "/", **lighttpd)
    assert_equal ["/shop", "/a", ""], locate(REQUEST_URI: "/shop/a", SCRIPT_NAME: "/shop/dispatch.fcgi", PATH_INFO: "/a", **lighttpd)
    assert_equal ["/shop", "/a", ""], locate("/shop", REQUEST_URI: "/shop/a", SCRIPT_NAME: "/shop", PATH_INFO: "/a", **lighttpd)
    assert_equal ["/a", "/b", ""], locate(REQUEST_URI: "/a/b", SCRIPT_NAME: "/a", PATH_INFO: "/b", SERVER_SOFTWARE: "other/1.0")
  end

  def test_prefix
    ["/shop", "/shop/", "shop", "/shop//"].each do |prefix|
      assert_equal ["/shop", "/a", "b"], locate(prefix, REQUEST_URI: "/shop/a?b")
      assert_equal ["/shop", "", ""], locate(prefix, REQUEST_URI: "/shop")
      assert_equal ["/shop", "/", ""], locate(prefix, REQUEST_URI: "/shop/")
      assert_equal ["", "/shopping", ""], locate(prefix, REQUEST_URI: "/shopping")
      assert_equal ["", "/shopping/a", ""], locate(prefix, REQUEST_URI: "/shopping/a", SCRIPT_NAME: "/shopping", PATH_INFO: "/a")
      assert_equal ["", "/other", ""], locate(prefix, REQUEST_URI: "/other", SCRIPT_NAME: "/other", PATH_INFO: "")
    end
  end

  # However a client writes the prefix, what the web server takes to be below it is below it, and links begin with the plain one.
  def test_prefix_in_disguise
    ["/%73hop/a", "//shop/a", "/./shop/a", "/x/../shop/a", "//evil.example/../shop/a"].each do |uri|
      assert_equal ["/shop", "/a", ""], locate("/shop", REQUEST_URI: uri), uri
      assert_equal ["/shop", "/a", ""], locate(REQUEST_URI: uri, SCRIPT_NAME: "/shop/dispatch.fcgi", PATH_INFO: "/a"), uri
    end
    assert_equal ["/shop", "//a", ""], locate("/shop", REQUEST_URI: "/shop//a")
    ["/shop%2Fa", "//shopping", "/../a", "/%", "/shop%", "/%73hopping"].each do |uri|
      assert_equal ["", uri, ""], locate("/shop", REQUEST_URI: uri)
    end
  end

  # An application that maps the prefix itself gets the whole path, and no SCRIPT_NAME.
  def test_prefix_that_the_application_takes_off
    app = UrlPrefix.new("/shop", by: "app")
    assert_equal ["", "/shop/a", "b"], locate(app, REQUEST_URI: "/shop/a?b", SCRIPT_NAME: "/shop", PATH_INFO: "/a")
    assert_equal ["", "/shop", ""], locate(app, REQUEST_URI: "/shop")
    assert_equal ["", "/shop//a", ""], locate(app, REQUEST_URI: "/shop//a")
    assert_equal ["", "/other", ""], locate(app, REQUEST_URI: "/other")
    assert_equal ["", "/shop/a", ""], locate(app, REQUEST_URI: "/%73hop/a")
    derived = UrlPrefix.new(nil, by: "app")
    assert_equal ["", "/shop/a", ""], locate(derived, REQUEST_URI: "/shop/a", SCRIPT_NAME: "/shop", PATH_INFO: "/a")
    assert_equal ["", "/shop/a", ""], locate(derived, REQUEST_URI: "/shop/a", SCRIPT_NAME: "/shop/dispatch.fcgi", PATH_INFO: "/a")
    assert_equal ["/shop", "/a", ""], locate(UrlPrefix.new("/shop", by: "launcher"), REQUEST_URI: "/shop/a")
  end

  # The client's REQUEST_URI and lighttpd's REDIRECT_URI; the path and query of the application.
  {
    ["/a", "/dispatch.fcgi/a"] => ["", "/a", ""],
    ["/old/a?x=1", "/dispatch.fcgi/new/a?x=1"] => ["", "/new/a", "x=1"],
    ["/old", "/dispatch.fcgi/new/%C3%BC?y=%26"] => ["", "/new/%C3%BC", "y=%26"],
    ["/a", "/dispatch.fcgi/a?added=1"] => ["", "/a", "added=1"],
    # What is only tidied up stays as the client has written it.
    ["//a/./b%7Ec", "/dispatch.fcgi/a/b~c"] => ["", "//a/./b%7Ec", ""],
    ["/a?b=%7e", "/dispatch.fcgi/a?b=~"] => ["", "/a", "b=%7e"],
    ["/docs/index.html", "/dispatch.fcgi/docs/"] => ["", "/docs/index.html", ""],
    ["/shop/a", "/shop/dispatch.fcgi/a"] => ["/shop", "/a", ""],
    ["/shop", "/shop/dispatch.fcgi"] => ["/shop", "", ""],
    ["/shop/old", "/shop/dispatch.fcgi/new?z"] => ["/shop", "/new", "z"],
    # The folder of the script is a fiction, and a recipe may forget the query.
    ["/a?b", "/cgi/dispatch.fcgi/a?b"] => ["", "/a", "b"],
    ["/old", "/cgi/dispatch.fcgi/new"] => ["", "/new", ""],
    ["/a?b=c", "/dispatch.fcgi/a"] => ["", "/a", "b=c"],
    ["/%61//b?c", "/dispatch.fcgi/a/b"] => ["", "/%61//b", "c"],
    # No script, the key of fastcgi.server is "/" or a prefix.
    ["/old?a", "/new?b", ""] => ["", "/new", "b"],
    ["/old/a", "/new/a", "/new"] => ["", "/new/a", ""],
    ["/a//b", "/a/b", "/a"] => ["", "/a//b", ""],
    # An error handler has nothing to tell.
    ["/a?b", "/dispatch.fcgi"] => ["", "/a", "b"],
    ["/a?b", "/elsewhere"] => ["", "/a", "b"]
  }.each do |(uri, redirected, script), expected|
    define_method("test_rewritten_by_lighttpd: #{uri} to #{redirected}") do
      @odd = true
      script ||= redirected[/\A.*\.fcgi/] || "/dispatch.fcgi"
      params = { REQUEST_URI: uri, REDIRECT_URI: redirected, SCRIPT_NAME: script }
      assert_equal expected, locate(**params, SERVER_SOFTWARE: "lighttpd/1.4.69")
      assert_equal uri[/\A[^?]*/], locate(**params, SERVER_SOFTWARE: "Apache/2.4").first(2).join
    end
  end

  # With the prefix of the operator, in a recipe that keeps it, one that takes it off and the generated one.
  def test_rewritten_below_a_prefix
    @odd = true
    lighttpd = { SERVER_SOFTWARE: "lighttpd/1.4.69" }
    ["/dispatch.fcgi/shop/", "/dispatch.fcgi/", "/shop/dispatch.fcgi/"].each do |led|
      params = { SCRIPT_NAME: led[/.*\.fcgi/], **lighttpd }
      assert_equal ["/shop", "/a", "b"], locate("/shop", REQUEST_URI: "/shop/a?b", REDIRECT_URI: "#{led}a?b", **params), led
      assert_equal ["/shop", "/%61", "b"], locate("/shop", REQUEST_URI: "//shop/%61?b", REDIRECT_URI: "#{led}a?b", **params), led
      assert_equal ["/shop", "/new", "c"], locate("/shop", REQUEST_URI: "/shop/old?b", REDIRECT_URI: "#{led}new?c", **params), led
      assert_equal ["/shop", "/new", ""], locate("/shop", REQUEST_URI: "/old", REDIRECT_URI: "#{led}new", **params), led
    end
  end

  # The work grows with the length of the path alone.
  def test_long_paths
    @odd = true
    [["/a/.."] * 20_000, ["/"] * 60_000, ["/%2e"] * 20_000].each do |parts|
      uri = parts.join
      assert_equal ["", uri, ""], locate("/shop", REQUEST_URI: uri)
      assert_equal ["", uri, ""], locate(REQUEST_URI: uri, SCRIPT_NAME: "/shop", PATH_INFO: "/a")
    end
  end

  def test_prefix_with_every_recipe
    [["/shop/a", ""], ["/shop", "/a"], ["", "/shop/a"], ["/dispatch.fcgi", "/shop/a"], ["/shop/dispatch.fcgi", "/a"]].each do |script, path|
      assert_equal ["/shop", "/a", ""], locate("/shop", REQUEST_URI: "/shop/a", SCRIPT_NAME: script, PATH_INFO: path)
    end
  end

  def test_prefix_of_nothing
    ["", "/", nil].each { |prefix| assert_equal ["", "/a", ""], locate(prefix, REQUEST_URI: "/a") }
  end

  def test_absolute_form
    assert_equal ["", "/a", "b"], locate(REQUEST_URI: "http://example.com:8080/a?b")
    @odd = true
    assert_equal ["", "/", "b"], locate(REQUEST_URI: "http://example.com?b")
    assert_equal ["", "/", ""], locate(REQUEST_URI: "HTTPS://example.com")
    assert_equal ["/shop", "/a", ""], locate("/shop", REQUEST_URI: "http://example.com/shop/a")
  end

  def test_asterisk_form
    @odd = true
    assert_equal ["", "/", ""], locate(REQUEST_URI: "*")
  end

  def test_no_request_target
    ["a", "example.com:443", "?a", "://x/", "1http://x/"].each do |uri|
      error = assert_raises(PreforkLauncher::FastCGI::Refusal) { locate(REQUEST_URI: uri) }
      assert_equal 400, error.status
    end
  end

  def test_without_request_uri
    assert_equal ["", "/a%20b%3F", "c=d"], locate(SCRIPT_NAME: "", PATH_INFO: "/a b?", QUERY_STRING: "c=d")
    assert_equal ["/shop", "/a", ""], locate(SCRIPT_NAME: "/shop", PATH_INFO: "/a", REQUEST_URI: "")
    assert_equal ["", "/a", ""], locate(SCRIPT_NAME: "/dispatch.fcgi", PATH_INFO: "/a")
    assert_equal ["/shop", "/a", ""], locate(SCRIPT_NAME: "/shop/dispatch.fcgi", PATH_INFO: "/a")
    assert_equal ["", "/a", ""], locate(SCRIPT_NAME: "/", PATH_INFO: "/a")
    assert_equal ["", "/", ""], locate(SCRIPT_NAME: "/", PATH_INFO: "")
    assert_equal ["", "/", ""], locate(SCRIPT_NAME: "/dispatch.fcgi")
    assert_raises(PreforkLauncher::FastCGI::Refusal) { locate }
    assert_raises(PreforkLauncher::FastCGI::Refusal) { locate(SCRIPT_NAME: "", PATH_INFO: "") }
  end

  # What is found without a closer look, also by what was seen before, is what a closer look finds.
  def test_the_short_way_leads_to_the_same_place
    closer = Class.new(PreforkLauncher::FastCGI::Location) { define_method(:at_root?) { |*| false } }
    random = Random.new(3)
    locations = [PreforkLauncher::FastCGI::Location.new(nil), closer.new(nil)]
    short = 2000.times.count do
      params = random_params(random)
      found = locations.map { |location| located(location, params.transform_values(&:dup)) }
      assert_equal found.last, found.first, params.inspect
      next unless locations.first.send(:at_root?, params, params["REQUEST_URI"])

      found.first.values_at("PATH_INFO", "QUERY_STRING").each { |value| value << "x" } # the application's own
      found.first["REQUEST_URI"] == params["REQUEST_URI"]
    end
    assert_operator short, :>, 150
  end

  def random_params(random)
    uri = ["/", "/a", "/a/b?x=1", "/a?", "/a??b", "//a", "/a%20b", "/a/../b", "/a/dispatch.fcgi", "/a#b", "*"].sample(random: random)
    script = [nil, "", "/", "/dispatch.fcgi", "/dispatch.fcgi", "/a.fcgi", "/a/dispatch.fcgi", "/a", "dispatch.fcgi"].sample(random: random)
    { "REQUEST_URI" => uri, "SCRIPT_NAME" => script, "PATH_INFO" => [nil, "", uri, uri[/[^?]*/], "/b"].sample(random: random),
      "REDIRECT_URI" => [nil, "#{script}#{uri}", uri, "/dispatch.fcgi/b?y=2"].sample(random: random),
      "QUERY_STRING" => [nil, "", "x=1", "y=2"].sample(random: random),
      "SERVER_SOFTWARE" => %w[lighttpd/1.4.69 nginx/1.22.1].sample(random: random) }.compact
  end

  def located(location, env)
    location.apply(env)
    env
  rescue PreforkLauncher::FastCGI::Refusal => refusal
    refusal.message
  end
end
