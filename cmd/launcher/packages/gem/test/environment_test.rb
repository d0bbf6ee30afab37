# frozen_string_literal: true

require "minitest/autorun"
require "tmpdir"
require "launcher_ruby/environment"

class EnvironmentTest < Minitest::Test
  def setup
    @before = ENV.to_h
    @root = Dir.mktmpdir
    File.write(File.join(@root, "Gemfile"), "")
  end

  def teardown
    ENV.replace(@before)
    FileUtils.rm_r(@root)
  end

  def environment(more = {})
    LauncherRuby::Environment.new(@root, more).to_h
  end

  # The next release brings a Gemfile of its own.
  def test_gemfile_of_the_application
    ENV["BUNDLE_GEMFILE"] = File.join(@root, "Gemfile")
    refute_includes environment, "BUNDLE_GEMFILE"
    link = "#{@root}-current"
    File.symlink(@root, link)
    ENV["BUNDLE_GEMFILE"] = File.join(link, "Gemfile")
    refute_includes environment, "BUNDLE_GEMFILE"
  ensure
    File.unlink(link)
  end

  def test_another_gemfile
    File.write(other = File.join(@root, "Gemfile.next"), "")
    ENV["BUNDLE_GEMFILE"] = other
    assert_equal other, environment["BUNDLE_GEMFILE"]
    File.unlink(File.join(@root, "Gemfile")) # one of a folder above
    assert_equal other, environment["BUNDLE_GEMFILE"]
    ENV["BUNDLE_GEMFILE"] = "/nowhere/Gemfile"
    assert_equal "/nowhere/Gemfile", environment["BUNDLE_GEMFILE"]
  end

  def test_more
    assert_equal "staging", environment("RAILS_ENV" => "staging")["RAILS_ENV"]
  end

  def test_ruby
    ENV.delete("LAUNCHER_RUBY")
    ENV["PATH"] = File.dirname(RbConfig.ruby)
    refute_includes environment, "LAUNCHER_RUBY" if File.identical?(File.join(ENV["PATH"], "ruby"), RbConfig.ruby)
    ENV["PATH"] = @root
    assert_equal RbConfig.ruby, environment["LAUNCHER_RUBY"]
    ENV["LAUNCHER_RUBY"] = "/opt/ruby"
    assert_equal "/opt/ruby", environment["LAUNCHER_RUBY"]
  end

  def test_root_of_arguments
    assert_equal "/srv/shop", LauncherRuby::Environment.root_of(%w[4 --root /srv/shop], {})
    assert_equal "/srv/shop", LauncherRuby::Environment.root_of(%w[--root=/srv/shop 4], "LAUNCHER_ROOT" => "/other")
    assert_equal "/other", LauncherRuby::Environment.root_of(%w[4], "LAUNCHER_ROOT" => "/other")
    assert_nil LauncherRuby::Environment.root_of(%w[4 --rootless], "LAUNCHER_ROOT" => "")
  end
end
