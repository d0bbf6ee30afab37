# frozen_string_literal: true

require "open3"

module Faults
  # A small file system in memory, which only root can have, that is filled and emptied.
  class Disk
    MEGABYTES = 8
    FILL = "fill"

    attr_reader :folder

    # Returns nil where none can be had.
    def self.in(folder)
      return unless Process.uid.zero?

      _, status = Open3.capture2e("mount", "-t", "tmpfs", "-o", "size=#{MEGABYTES}m", "tmpfs", folder)
      new(folder) if status.success?
    end

    def initialize(folder)
      @folder = folder
    end

    def fill
      File.open(File.join(@folder, FILL), "wb") { |file| loop { file.write("\0" * 4096) && file.flush } }
    rescue Errno::ENOSPC
      nil # as it should be
    end

    # Leaves room for what is to come.
    def clear
      Dir.each_child(@folder) do |name|
        path = File.join(@folder, name)
        name == FILL || name.end_with?(".1") ? File.unlink(path) : trim(path)
      end
    end

    def unmount
      Open3.capture2e("umount", "--lazy", @folder)
    end

    private

    def trim(path)
      File.truncate(path, 0) if File.file?(path) && File.size(path) > MEGABYTES * 1024 * 1024 / 4
    end
  end
end
