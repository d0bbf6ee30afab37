# frozen_string_literal: true

require_relative "support/worker_case"

# An application that forks, exits or becomes a daemon in a worker.
class ServedApplicationTest < WorkerCase
  def test_a_process_that_the_application_forks_dies_of_a_signal
    start(app do
      reader, writer = IO.pipe
      child = Process.fork do
        writer.write(".")
        writer.close
        sleep
      end
      reader.read(1)
      Process.kill("TERM", child)
      Process.wait2(child)[1].termsig
    end)
    ready
    assert_equal Signal.list.fetch("TERM").to_s, get.body
    FileUtils.rm_f(File.join(@folder, "at_exit")) # of that process, as Ruby has it
    assert_equal Signal.list.fetch("TERM").to_s, get.body
    FileUtils.rm_f(File.join(@folder, "at_exit"))
    tell(@channel, "drain", backlog: false)
    assert_equal 0, ended
  end

  def test_a_process_that_the_application_forks_exits
    start(app do
      child = Process.fork
      exit(7) unless child
      "#{Process.wait2(child)[1].exitstatus} #{Process.pid}"
    end)
    ready
    2.times { assert_equal "7 #{@pid}", get.body }
  end

  def test_a_worker_that_becomes_a_daemon_serves_nobody
    start(app { Process.daemon(true, true); Process.pid })
    ready
    daemon = Integer(get.body)
    assert_equal 0, ended
    eventually { !alive?(daemon) }
  end
end
