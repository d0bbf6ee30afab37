# frozen_string_literal: true

require "open3"
require "rbconfig"
require_relative "support/fastcgi_case"

# The files are evaluated before the application's Bundler chose versions, so they must not touch a library at load.
class FastCGILoadTest < Minitest::Test
  FOLDER = File.expand_path("../fastcgi", __dir__)
  FILES = Dir[File.join(FOLDER, "*.rb")].sort.freeze

  def ruby(*arguments, **options)
    Open3.capture2e(RbConfig.ruby, "-w", *arguments, **options)
  end

  def test_loads_no_library
    script = "before = $LOADED_FEATURES.dup; require ARGV.first; puts($LOADED_FEATURES - before)"
    output, status = ruby("-e", script, File.join(FOLDER, "responder.rb"))
    assert status.success?, output
    loaded = output.lines.map(&:chomp)
    assert_equal [*FILES, *%w[../clock.rb ../text.rb].map { |file| File.expand_path(file, __dir__) }].sort, loaded.sort
  end

  def test_works_without_gems
    script = <<~'RUBY'
      require "socket"
      require ARGV.first
      PreforkLauncher::FastCGI.require_libraries
      mine, theirs = UNIXSocket.pair
      params = { "REQUEST_METHOD" => "GET", "REQUEST_URI" => "/x" }.map { |n, v| [n.size, v.size].pack("CC") + n + v }.join
      request = [1, 1, 1, 8, 0, 0, 1, 0].pack("CCnnCCnCx5")
      request << [1, 4, 1, params.bytesize, 0, 0].pack("CCnnCC") << params << [1, 4, 1, 0, 0, 0].pack("CCnnCC")
      mine.write(request)
      mine.close_write
      PreforkLauncher::FastCGI::Responder.new(->(env) { [200, {}, [env["PATH_INFO"]]] }).serve(theirs)
      print mine.read
    RUBY
    output, status = ruby("--disable-gems", "-e", script, File.join(FOLDER, "responder.rb"))
    assert status.success?, output
    assert_match(%r{Status: 200 OK\r\ncontent-length: 2\r\n\r\n/x}, output)
  end

  def test_files_are_clean
    FILES.each do |file|
      output, = ruby("-c", file)
      assert_equal "Syntax OK\n", output, file
      assert File.read(file).start_with?("# frozen_string_literal: true\n"), file
    end
  end

  # The embedder orders the files by these lines.
  def test_entry_names_every_file
    names = File.read(File.join(FOLDER, "responder.rb")).scan(/^require_relative "(\w+)"$/).flatten
    assert_equal (FILES.map { |file| File.basename(file, ".rb") } - ["responder"]).sort, names.sort
    FILES.each do |file|
      refute_match(/^[ \t]*require ["']|^[ \t]+require_relative/, File.read(file).sub(/def self.require_libraries.*?end/m, ""), file)
    end
  end
end
