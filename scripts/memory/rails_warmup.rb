# frozen_string_literal: true

require_relative "../active_record_pools"
require_relative "../clock"
require_relative "rails_warmup/controllers"
require_relative "rails_warmup/framework"
require_relative "rails_warmup/records"
require_relative "rails_warmup/views"
require_relative "steps"

module PreforkLauncher
  # Builds in the preloader what Rails builds on the first requests: otherwise each
  # worker has its own copy. Whatever the application has not loaded is left alone.
  class RailsWarmup
    SECONDS = 10 # for all that is in this process, and for what databases are asked

    # The deadline is that of the whole start.
    def initialize(optimizations, errors, root: Dir.pwd, deadline: nil, grace: Steps::GRACE, between: nil)
      @optimizations = optimizations
      @errors = errors
      @root = root
      @deadline = deadline
      @grace = grace
      @between = between
    end

    # Databases come last: whatever they do, the rest is there.
    def run
      return unless defined?(::Rails) && ::Rails.respond_to?(:application) && ::Rails.application

      framework = Framework.new(::Rails.application)
      steps = new_steps
      steps.step("routes") { framework.routes }
      steps.step("secrets") { framework.secrets }
      steps.step("translations") { framework.translations }
      steps.step("controllers") { Controllers.new(steps).run } if defined?(::AbstractController::Base)
      steps.step("views") { Views.new(steps).run } if defined?(::ActionController::Base) && defined?(::ActionView::Base)
      return unless ActiveRecordPools.loaded?

      steps = new_steps
      steps.step("records") { Records.new(steps).run }
    end

    private

    def new_steps
      deadline = [Clock.now + SECONDS, @deadline].compact.min
      Steps.new(@optimizations, @errors, deadline: deadline, root: @root, grace: @grace, between: @between)
    end
  end
end
