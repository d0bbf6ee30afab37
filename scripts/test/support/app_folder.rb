# frozen_string_literal: true

require "fileutils"
require "tmpdir"

# A folder for the application of one test.
module AppFolder
  def setup
    super
    @root = File.realpath(Dir.mktmpdir)
  end

  def teardown
    FileUtils.remove_entry(@root)
    super
  end

  def write(name, text)
    path = File.join(@root, name)
    FileUtils.mkdir_p(File.dirname(path))
    File.write(path, text)
  end
end
