# frozen_string_literal: true

module PreforkLauncher
  # Removes the files of the Tempfiles that this process has made and that are still there, as the end of a Ruby process does. Where it
  # ends by exit!, nothing that an object has asked to be done at its end (ObjectSpace.define_finalizer) is done, since most of these
  # objects are inherited; but an upload that no collection has found yet would stay for good.
  module TemporaryFiles
    NAME = %r{\d{8}-(\d+)-[^/]*\z}.freeze # with the process that has made it: Dir::Tmpname
    KEPT = :@prefork_launcher_kept

    @handed_on = false

    # Notes of which Tempfile the file is to stay. Nothing in Ruby tells whether an object has a finalizer.
    module Keeping
      def undefine_finalizer(object)
        TemporaryFiles.keep(object) if TemporaryFiles.one?(object)
        super
      end
    end

    class << self
      # Called before the application is loaded, which may say from then on what is to stay.
      def watch
        ObjectSpace.singleton_class.prepend(Keeping)
      end

      # Called where this process has been forked, and goes on: what both refer to may be used when this one has left.
      def hand_on
        @handed_on = true
        each_own { |file| keep(file) }
      end

      # Called last of all. What cannot be removed stays.
      def remove
        GC.start if @handed_on # removes what nobody refers to
        each_own do |file, path|
          File.unlink(path) unless file.instance_variable_defined?(KEPT)
        end
      end

      def one?(object)
        defined?(::Tempfile) && ::Tempfile === object
      end

      def keep(file)
        file.instance_variable_set(KEPT, true)
      end

      private

      # A delegator answers a question about its class as the file that it stands for.
      def each_own
        return unless defined?(::Tempfile)

        ObjectSpace.each_object(::Tempfile) do |file|
          path = file.path
          yield file, path if path && path[NAME, 1].to_i == Process.pid
        rescue StandardError
          next # never opened, of a class that knows better, or gone
        end
      end
    end
  end
end
