# frozen_string_literal: true

module PreforkLauncher
  # Keeps what a process has once for all of its code: the working directory, the file mode mask and the environment.
  module Surroundings
    # Puts back what the block has changed of them.
    def self.kept
      folder = Dir.pwd
      mask = File.umask
      variables = ENV.to_h
      yield
    ensure
      ENV.replace(variables) if variables && ENV.to_h != variables
      File.umask(mask) if mask
      Dir.chdir(folder) if folder && Dir.pwd != folder
    end
  end
end
