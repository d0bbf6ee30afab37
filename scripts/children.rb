# frozen_string_literal: true

require_relative "supervisor_death"
require_relative "text"

module PreforkLauncher
  # Forks processes in an application whose threads may wait for any child.
  module Children
    REPORT_MAX = 1024 # bytes
    FORK_SECONDS = 5 # far more than the process in between needs

    # Forks twice, and runs the block in the second process. The one in between leaves at once, so that the
    # other's parent is the supervisor (its subreaper), and its end is awaited before the pid is
    # returned. Raises where either could not be forked.
    def self.fork_away(patience: FORK_SECONDS, &block)
      reader, writer = IO.pipe(binmode: true)
      middle = Process.fork do
        reader.close
        fork_and_leave(writer, block)
      end
      writer.close # so that the end of a process in between that says nothing is noticed
      continue(middle, reader, patience)
      reap(middle)
      # Not until the end of the pipe, which anything that a thread of the
      # application forks meanwhile would hold open.
      said = reader.read_nonblock(REPORT_MAX, exception: false)
      raise "the process in between said #{said.inspect}" unless said.is_a?(String) && said.match?(/\A\d+\z/)

      Integer(said)
    ensure
      reader&.close
      writer&.close
    end

    # Lets a process in between run on that was stopped, until it has reported: nobody else knows of it.
    def self.continue(pid, reader, patience)
      Process.kill("CONT", pid) until IO.select([reader], nil, nil, patience) || Process.wait(pid, Process::WNOHANG)
    rescue Errno::ECHILD, Errno::ESRCH
      nil
    end
    private_class_method :continue

    # Waits for a child's end. A thread of the application that waits for any child may have been faster.
    def self.reap(pid)
      Process.wait(pid)
    rescue Errno::ECHILD
      nil
    end

    def self.fork_and_leave(writer, block)
      SupervisorDeath.between
      pid = Process.fork do
        writer.close
        block.call
      end
      writer.write(pid.to_s)
    rescue SystemCallError => error
      writer.write(Text.error(error))
    ensure
      exit!(0)
    end
    private_class_method :fork_and_leave
  end
end
