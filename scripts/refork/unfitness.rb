# frozen_string_literal: true

module PreforkLauncher
  # Why the application does not want other workers to be forked from this one, or nil. It may say so from its load on, in a hook
  # and in any request: this file is there when the refork itself is not yet needed.
  module Unfitness
    @reason = nil

    class << self
      attr_accessor :reason
    end
  end

  # For applications: no preloader must be forked from this worker. It serves on.
  #
  #   PreforkLauncher.unfit_for_refork!("it has opened the camera") if defined?(PreforkLauncher)
  def self.unfit_for_refork!(reason = "no reason given")
    Unfitness.reason = reason.to_s
  end
end
