# frozen_string_literal: true

require_relative "support/worker_case"

# What a worker of a new release does before it says that it is ready.
class ReadinessProbeTest < WorkerCase
  def test_the_response_decides
    { "/ok" => nil, "/moved" => nil, "/missing" => nil, "/done?deep=1" => nil, "/error" => "GET /error was answered with 500",
      "/raise" => "GET /raise was answered with 500: KeyError: no such table", "/exit" => /\AGET .exit was answered with 500: SystemExit/,
      "/rails" => "GET /rails was answered with 500: IOError: no disk",
      "/broken" => "GET /broken was not answered to the end" }.each do |path, want|
      start(answering, probed: "release", probe: path)
      message = said(@channel)
      if want
        assert_equal %w[failed probe PreforkLauncher::ReadinessProbe::Failed],
                     [message[:type], message[:stage], message[:error][:class]], path
        assert_operator want, :===, message[:error][:message]
        assert_equal 1, ended
      else
        assert_equal "ready", message[:type], "#{path}: #{message}"
        tell(@channel, "drain", backlog: false)
        assert_equal 0, ended
      end
    end
  end

  def answering
    statuses = { "/ok" => 200, "/moved" => 301, "/missing" => 404, "/error" => 500, "/done" => 204 }
    lambda do |env|
      case env["PATH_INFO"]
      when "/raise" then raise KeyError, "no such table"
      when "/exit" then exit(3)
      when "/rails" then [500, {}, [(env["action_dispatch.exception"] = IOError.new("no disk")).message]]
      when "/broken" then [200, {}, Enumerator.new { |parts| (parts << "begun" * 20_000) && raise("broken") }]
      else [statuses.fetch(env["PATH_INFO"]), {}, ["x"]]
      end
    end
  end

  # The responder tells an observer of everything that a worker's tracker is told of.
  def test_it_can_be_told_of_whatever_a_tracker_is
    told = PreforkLauncher::RequestTracker.public_instance_methods(false) - [:collection=]
    assert_empty told - PreforkLauncher::ReadinessProbe.public_instance_methods(false)
  end

  def test_a_request_that_hangs_is_told_with_its_place
    start(app { sleep }, probed: "release", probe: "/", boot_seconds: "12.5")
    message = said(@channel)
    assert_equal %w[failed probe], [message[:type], message[:stage]]
    assert_match(%r{\AGET / was not answered within 10 s, at .*readiness_probe_test\.rb:\d+:in .*sleep}, message[:error][:message])
    assert_equal 1, ended
  end

  def test_the_place_of_an_exception_is_told
    start(app { raise "boom" }, probed: "release", probe: "/")
    assert_match(/readiness_probe_test\.rb:\d+/, said(@channel)[:error].values_at(:app_frames, :backtrace).flatten.first)
  end

  # Neither the scoreboard nor the supervisor of a refork takes it for a request of somebody's.
  def test_it_is_no_request_of_anybody
    start(app { "x" }, probed: "release", probe: "/", key: KEY.merge(refork: 1))
    assert_equal "ready", said(@channel)[:type]
    assert_equal [0, 0], @board.pread(256, 0).unpack("@13CS<") # no good response, and no bad ones
    get("/posts")
    assert_equal ["first", "GET /posts"], said(@channel).values_at(:type, :request)
  end

  def test_nobody_is_asked_without_a_path_or_where_it_is_off
    [{}, { probe: "off" }].each do |given|
      start(app { raise "asked" }, probed: "release", **given)
      ready
      tell(@channel, "drain", backlog: false)
      assert_equal 0, ended
    end
  end

  # The first fork of a refork that somebody asked for has nobody else to show what it is good for.
  def test_the_first_page_is_asked_for_after_a_refork
    [[{}, "GET / was answered with 500"], [{ url_prefix: "/shop" }, "GET /shop/ was answered with 500"],
     [{ probe: "/x" }, "GET /x was answered with 500"]].each do |given, want|
      start(app { raise "asked" }, probed: "refork", **given)
      message = said(@channel)
      assert_equal "probe", message[:stage], message
      assert_includes message[:error][:message], want
      assert_equal 1, ended
    end
    start(app { raise "asked" }, probed: "refork", probe: "off")
    ready
  end

  def test_one_that_is_not_to_be_probed_is_not
    start(app { raise "asked" }, probe: "/")
    ready
  end

  # An application of Rails that routes its health check, and one that routes something else there.
  def test_rails_health_check
    { ["/up", "rails/health", ""] => "/up", ["/up", "pages", ""] => nil, ["/up", "rails/health", "/shop"] => "/shop/up",
      ["/shop/up", "rails/health", "/shop"] => "/shop/up", [nil, nil, ""] => nil }.each do |(path, controller, prefix), want|
      with_rails(path, controller) do
        probe = PreforkLauncher::ReadinessProbe.new(nil, settings(url_prefix: prefix))
        found = probe.send(:path)
        want.nil? ? assert_nil(found) : assert_equal(want, found)
        off = PreforkLauncher::ReadinessProbe.new(nil, settings(probe: "off"))
        assert_equal [nil, "/x"], [off, PreforkLauncher::ReadinessProbe.new(nil, settings(probe: "/x"))].map { |one| one.send(:path) }
      end
    end
  end

  # Rails as far as it is asked here.
  def with_rails(routed, controller)
    routes = Object.new
    routes.define_singleton_method(:recognize_path) do |path, method:|
      raise "no route for #{method} #{path}" unless path == routed

      { controller: controller, action: "show", format: :html }
    end
    application = Struct.new(:routes).new(routes)
    rails = Module.new { define_singleton_method(:application) { application } }
    before = Object.send(:remove_const, :Rails) if Object.const_defined?(:Rails)
    Object.const_set(:Rails, rails)
    yield
  ensure
    Object.send(:remove_const, :Rails)
    Object.const_set(:Rails, before) if before
  end
end
