# frozen_string_literal: true

require_relative "preloader"

# The Ruby side of the launcher: a preloader that loads an application and forks
# its workers.
module Launcher
  # Runs the preloader that the settings describe and does not return.
  def self.main(settings)
    $PROGRAM_NAME = "launcher" # sets the title too, so it comes first
    Process.setproctitle("launcher preloader gen=#{settings.fetch('generation')} loading #{settings.fetch('root')}")
    # They told Ruby how to start, and are nothing to those whom the application starts.
    settings.fetch("variables", "").split("\n").each { |name| ENV.delete(name) }
    [CONTROL_FD, SCOREBOARD_FD, STDERR_FD].each { |fd| IO.for_fd(fd, autoclose: false).close_on_exec = true }
    Preloader.new(Settings.new(settings)).run
  end
end
