# frozen_string_literal: true

require_relative "text"

module PreforkLauncher
  # Opens the logs of the application anew whose files were moved away or deleted, as logrotate does: each file that is open to be
  # appended to, and whose path leads to another one by now, or to none. The objects stay, and whoever has them writes on.
  module LogFiles
    ACCESS = 3 # O_ACCMODE, for which Ruby has no name
    GET_FLAGS = 3 # F_GETFL, for which it needs a library
    PERMISSIONS = 0o7777

    class << self
      # Called where this process is between two requests. Each file that cannot be opened anew stays as it is, and that is said.
      def reopen(errors)
        moved.each do |file, path|
          open_anew(file, path)
        rescue IOError, SystemCallError => error
          errors.note("writes to the log that was moved away, since #{path} cannot be opened: #{Text.error(error)}")
        end
      end

      private

      def moved
        found = []
        ObjectSpace.each_object(File) do |file|
          path = path_of_moved(file)
          found << [file, path] if path
        end
        found
      end

      # Returns the path of a log that has to be opened anew, or nil.
      def path_of_moved(file)
        return if file.closed? || file.fcntl(GET_FLAGS) & (ACCESS | File::APPEND) != File::WRONLY | File::APPEND

        stat = file.stat
        path = File.expand_path(file.path)
        path if stat.file? && !same?(stat, path)
      rescue IOError, SystemCallError, TypeError, NoMethodError
        nil # it has no path, or was never opened
      end

      def same?(stat, path)
        now = File.stat(path)
        now.dev == stat.dev && now.ino == stat.ino
      rescue Errno::ENOENT
        false
      end

      # IO#reopen with a path exchanges what the descriptor leads to at once: a thread that writes meanwhile hears nothing of it. With
      # an IO it would get an IOError. It forgets what else was set.
      def open_anew(file, path)
        try(path, file.stat.mode & PERMISSIONS)
        sync = file.sync
        binary = file.binmode?
        encodings = [file.external_encoding, file.internal_encoding]
        begin
          file.reopen(path, "a")
        ensure
          file.sync = sync
          binary ? file.binmode : file.set_encoding(*encodings)
        end
        flush(file)
      end

      # What another thread has written before sync was set again would be lost with the next exchange (3.3).
      def flush(file)
        file.flush
      rescue SystemCallError
        nil # a full disk, say: it stays for the next write
      end

      # Makes the file, where it is not there, as the one before was, and raises where it cannot be had. Nobody waits for a FIFO.
      def try(path, mode)
        File.open(path, File::WRONLY | File::APPEND | File::CREAT | File::NONBLOCK, mode) do |file|
          raise IOError, "it is no file" unless file.stat.file?
        end
      end
    end
  end
end
