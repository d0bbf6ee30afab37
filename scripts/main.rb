# frozen_string_literal: true

require_relative "direct_worker" # later
require_relative "doctor" # later
require_relative "later"
require_relative "preloader"
require_relative "settings"
require_relative "supervisor_death"
require_relative "title"

# The Ruby side of the launcher: a preloader that loads an application and forks
# its workers, a worker that loads it by itself, or a doctor that examines it.
module PreforkLauncher
  # Runs the process that the settings describe and does not return.
  def self.main(strings)
    $PROGRAM_NAME = "launcher" # sets the title too, so it comes first
    settings = Settings.new(strings)
    SupervisorDeath.remember_supervisor(settings.supervisor) if settings.supervisor
    Title.loading(settings)
    # They told Ruby how to start, and are nothing to those whom the application starts.
    settings.variables.each { |name| ENV.delete(name) }
    settings.descriptors.each { |fd| IO.for_fd(fd, autoclose: false).close_on_exec = true }
    Later.load unless settings.prepare == "beside" # a preloader that has the first workers serve before it prepares
    role(settings).new(settings).run
  end

  def self.role(settings)
    return DirectWorker if settings.direct?

    settings.doctor? ? Doctor : Preloader
  end
  private_class_method :role
end
