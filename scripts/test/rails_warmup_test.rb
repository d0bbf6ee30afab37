# frozen_string_literal: true

require "minitest"
require "fileutils"
require "json"
require "tmpdir"
require_relative "support/ruby_process"

# Loads the blog of testdata/apps in a process of its own, and looks at what its first
# requests still have to build.
class RailsWarmupTest < Minitest::Test
  include RubyProcess

  BLOG = File.expand_path("../../testdata/apps/blog", __dir__)

  SCRIPT = <<~'RUBY'
    require "json"
    require "settings"
    require "app_loader"
    require "fastcgi/error_stream"
    require "memory/optimizations"
    require "memory/rails_warmup"
    app = PreforkLauncher::AppLoader.new(PreforkLauncher::Settings.new("root" => Dir.pwd, "generation" => "1", "entry" => "config.ru")).load
    require "stringio"
    log = StringIO.new
    PreforkLauncher::RailsWarmup.new(PreforkLauncher::Optimizations.new(ARGV), PreforkLauncher::FastCGI::ErrorStream.new(log)).run
    built = Hash.new(0)
    ActiveSupport::Notifications.subscribe("!compile_template.action_view") { built["templates"] += 1 }
    ActiveSupport::Notifications.subscribe("sql.active_record") { |*, event| built["schema"] += 1 if event[:name] == "SCHEMA" }
    methods = Post.instance_methods.size
    statuses = ["/posts", "/posts/1", "/posts/new"].map do |path|
      env = { "REQUEST_METHOD" => "GET", "SCRIPT_NAME" => "", "PATH_INFO" => path, "QUERY_STRING" => "", "SERVER_NAME" => "localhost",
              "SERVER_PORT" => "80", "HTTP_HOST" => "localhost", "rack.url_scheme" => "http", "rack.input" => StringIO.new, "rack.errors" => $stderr }
      status, _, body = app.call(env)
      body.close if body.respond_to?(:close)
      status
    end
    built["methods"] = Post.instance_methods.size - methods
    print JSON.generate(statuses: statuses, log: log.string, built: built.reject { |_, count| count.zero? })
  RUBY

  def in_blog
    Dir.mktmpdir do |folder|
      FileUtils.cp_r("#{BLOG}/.", folder)
      ruby("load ARGV[0]", "bin/setup", chdir: folder, env: { "RAILS_ENV" => "production" })
      yield folder
    end
  end

  def first_requests(folder, *without)
    told = JSON.parse(ruby(SCRIPT, *without, chdir: folder, env: { "RAILS_ENV" => "production" }).lines.last)
    assert_equal [200, 200, 200], told["statuses"]
    told
  end

  def test_the_first_requests_build_nothing
    in_blog do |folder|
      assert_equal({ "statuses" => [200, 200, 200], "log" => "", "built" => {} }, first_requests(folder))
      assert_operator first_requests(folder, "views")["built"].fetch("templates"), :>=, 6
      assert_operator first_requests(folder, "records")["built"].fetch("methods"), :>, 20
    end
  end

  # What does not work is named, and the rest is there.
  def test_a_template_that_does_not_compile_and_a_table_that_is_missing
    in_blog do |folder|
      File.write("#{folder}/app/views/posts/broken.html.erb", "<% if %>")
      File.write("#{folder}/app/models/ghost.rb", "class Ghost < ApplicationRecord; belongs_to :nobody; end")
      told = first_requests(folder)
      assert_match(%r{\Alauncher: preload: the template posts/broken failed and is skipped: \S+}, told["log"])
      assert_equal 1, told["log"].lines.size
      assert_empty told["built"]
    end
  end
end
