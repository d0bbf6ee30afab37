# frozen_string_literal: true

require "minitest/autorun"
require "fileutils"
require "tmpdir"
require "launcher_ruby/program"

class ProgramTest < Minitest::Test
  def setup
    @folder = Dir.mktmpdir
  end

  def teardown
    FileUtils.rm_r(@folder)
  end

  def place(platform)
    FileUtils.mkdir(File.join(@folder, platform))
    File.write(File.join(@folder, platform, "launcher"), "")
  end

  def program(platform)
    LauncherRuby::Program.new(folder: @folder, platform: platform)
  end

  def test_platform_whatever_the_c_library
    { "linux-gnu" => "x86_64-linux", "linux" => "x86_64-linux", "linux-musl" => "x86_64-linux",
      "darwin22.1.0" => "x86_64-darwin" }.each do |os, platform|
      assert_equal platform, LauncherRuby::Program.platform("host_cpu" => "x86_64", "host_os" => os)
    end
  end

  def test_path
    place("x86_64-linux")
    assert_equal File.join(@folder, "x86_64-linux", "launcher"), program("x86_64-linux").path
  end

  def test_gem_for_another_platform
    place("aarch64-linux")
    place("x86_64-linux")
    assert_equal "launcher-ruby: this gem has no launcher for arm64-darwin, but for aarch64-linux and x86_64-linux\n" \
                 "Try: use another server here, such as Puma (bin/rails server -u puma): the launcher runs on Linux alone",
                 refusal("arm64-darwin")
    assert_match(/no launcher for riscv64-linux.*\nTry: build the launcher/, refusal("riscv64-linux"))
  end

  # As Bundler installs it where Gemfile.lock has no platform of Linux.
  def test_gem_for_any_platform
    assert_match(/no launcher for x86_64-linux, but for none: .*\nTry: bundle lock --add-platform x86_64-linux/, refusal("x86_64-linux"))
  end

  def refusal(platform)
    assert_raises(LauncherRuby::Error) { program(platform).path }.message
  end
end
