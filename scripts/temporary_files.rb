# frozen_string_literal: true

module PreforkLauncher
  # Removes the files of the Tempfiles that this process has made and that are still there, as the end of a Ruby process does. Where it
  # ends by exit!, nothing that an object has asked to be done at its end (ObjectSpace.define_finalizer) is done, since most of these
  # objects are inherited; but an upload that no collection has found yet would stay for good.
  module TemporaryFiles
    MADE_BY = /\d{8}-(\d+)-/.freeze # the process, in the name of a file: Dir::Tmpname
    KEPT = :@prefork_launcher_kept # by the application
    HANDED_ON = :@prefork_launcher_handed_on

    @handed_on_by = nil

    # Notes of which Tempfile the file is to stay. Nothing in Ruby tells whether an object has a finalizer. Tempfile itself takes its own
    # back before it gives itself another one.
    module Finalizers
      def undefine_finalizer(object)
        object.instance_variable_set(KEPT, true) if TemporaryFiles.one?(object)
        super
      end

      def define_finalizer(object, *)
        object.instance_variable_set(KEPT, false) if TemporaryFiles.one?(object)
        super
      end
    end

    class << self
      # Called before the application is loaded, which may say from then on what is to stay.
      def watch
        ObjectSpace.singleton_class.prepend(Finalizers)
      end

      # Yields for a fork of a process that goes on with the application, as this one does: the files of the objects that both
      # have then stay when either leaves.
      def hand_on
        marked = []
        each_own { |file| marked << file.tap { file.instance_variable_set(HANDED_ON, true) } unless handed_on?(file) }
        @handed_on_by = Process.pid
        yield
      rescue SystemCallError
        marked.each { |file| file.instance_variable_set(HANDED_ON, false) }
        raise
      end

      # Called last of all. What cannot be removed stays.
      def remove
        GC.start if @handed_on_by == Process.pid # what nobody refers to need not stay
        each_own { |file, path| File.unlink(path) unless handed_on?(file) || file.instance_variable_get(KEPT) }
      end

      def one?(object)
        loaded? && ::Tempfile === object
      end

      private

      def loaded?
        Object.const_defined?(:Tempfile, false) && !Object.autoload?(:Tempfile)
      end

      def handed_on?(file)
        file.instance_variable_get(HANDED_ON)
      end

      def each_own
        return unless loaded?

        ObjectSpace.each_object(::Tempfile) do |file|
          path = file.path
          yield file, path if path && File.basename(path).scan(MADE_BY).any? { |(pid)| pid.to_i == Process.pid }
        rescue StandardError
          next # never opened, of a class that knows better, or gone
        end
      end
    end
  end
end
