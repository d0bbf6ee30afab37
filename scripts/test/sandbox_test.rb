# frozen_string_literal: true

require "minitest"
require "minitest/mock"
require "refork/process_state"

# What a sandbox keeps from a process is not known of it, and keeps nobody from starting.
class SandboxTest < Minitest::Test
  State = PreforkLauncher::ProcessState

  def test_files_that_cannot_be_read
    read = File.method(:read)
    File.stub(:read, ->(path, **options) { path.start_with?("/proc/self/") ? raise(Errno::EACCES, path) : read.call(path, **options) }) do
      Dir.stub(:children, ->(path) { raise Errno::ENOENT, path }) do
        state = State.new
        assert_nil state[part("its OOM score")]
        assert_equal File.umask, state[part("its umask")]
        assert_empty state.send(:findings, state)
      end
    end
  end

  # The fork that is asked for the handlers of signals.
  def test_no_room_for_a_process
    Process.stub(:fork, -> { raise Errno::EAGAIN }) { assert_instance_of State, State.after_load }
  end

  def part(name)
    State::PARTS.find { |each| each.name == name }
  end
end
