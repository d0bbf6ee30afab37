# frozen_string_literal: true

require_relative "../text"
require_relative "finding"

module PreforkLauncher
  # Finds threads that loading has started: a fork has only the thread that forks.
  class ThreadCheck
    # Threads that their own libraries start again in a new process, but do not
    # mark as such.
    RESTARTED = ["Timeout stdlib thread", "Gem::Timeout stdlib thread"].freeze

    # By the place where they began:
    # - concurrent-ruby before 1.2 frees the slots of collected thread locals. A worker without it keeps a few
    #   words for each.
    # - ActiveRecord 5.2 and 6.0 close idle connections. A fork makes pools of its own, which start it again. From
    #   6.1 on it is marked.
    HARMLESS = %r{/(?:concurrent/atomic/ruby_thread_local_var|active_record/connection_adapters/abstract/connection_pool)\.rb:\d+\z}.freeze

    # Those of libraries that have a check of their own, which knows more of them.
    ELSEWHERE = %r{/(?:new_?relic|newrelic_rpm|datadog|ddtrace|scout_apm|semantic_logger|mongo)(?:-[\d.]+)?/}.freeze

    def initialize(context)
      @context = context
    end

    def findings
      others = Thread.list - [Thread.main]
      # ActiveSupport and others mark threads that they start again themselves.
      others.reject! { |thread| thread.thread_variable_get(:fork_safe) || RESTARTED.include?(thread.name) }
      places = others.to_h { |thread| [thread, Text.utf8(thread.inspect)[/ (\S+:\d+) /, 1]] }
      # inspect ends in the place where the thread began: #<Thread:0x… file:line state>
      places.reject! { |_, place| HARMLESS.match?(place) || ELSEWHERE.match?(place) }
      places.map { |thread, place| finding(thread, place) }
    end

    private

    def finding(thread, place)
      Finding.new("harm", "thread", "#{@context.who} started a thread that no worker will have: #{thread.name || 'one without a name'}",
                  where: place ? @context.relative(place) : "",
                  cost: "what it does is not done in the workers; a lock that it holds at a fork stays locked there for ever",
                  advice: "start it in after_fork (config/launcher.rb), and stop it in before_fork if it was started",
                  frames: @context.thorough? ? (thread.backtrace || []).map { |frame| @context.relative(frame) } : [])
    end
  end
end
