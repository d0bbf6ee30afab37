# frozen_string_literal: true

require "open3"
require "rbconfig"

# Runs a script in a Ruby of its own: what it loads, traps and changes is gone with it.
module RubyProcess
  SCRIPTS = File.expand_path("../..", __dir__)

  # What the script printed. It fails the test if it fails itself.
  def ruby(script, *arguments, env: {}, chdir: Dir.pwd)
    output, errors, status = Open3.capture3(clean.merge(env), RbConfig.ruby, "-I#{SCRIPTS}", "-e", script, *arguments, chdir: chdir)
    assert status.success?, "#{status}\n#{output}#{errors}"
    output
  end

  # Skips a test of what has parts in C that are not built for this Ruby.
  def needs(library)
    _, errors, status = Open3.capture3(clean, RbConfig.ruby, "-e", "require ARGV.first", library)
    skip "#{library} cannot be loaded by this Ruby: #{errors.lines.first}" unless status.success?
  end

  # A test may itself run under Bundler.
  def clean
    ENV.keys.grep(/\A(?:BUNDLE|BUNDLER|RUBYOPT|RUBYLIB|RAILS_|RACK_)/).to_h { |name| [name, nil] }
  end
end
