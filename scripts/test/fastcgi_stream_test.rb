# frozen_string_literal: true

require_relative "support/fastcgi_body_case"

# Bodies that write to a stream, and threads that do so later.
class FastCGIStreamTest < FastCGIBodyCase
  # The thread may write until it closes the stream.
  def test_stream_of_a_thread
    body = lambda do |stream|
      Thread.new do
        Thread.pass
        stream << "one"
        stream << "two"
        stream.close
      end
    end
    reply = reply_to(body)
    assert_equal ["onetwo", true], [reply.body, reply.complete]
    assert_equal "one", reply_to(->(stream) { Thread.new { stream << "one" } }).body
  end

  def test_stream_of_a_thread_that_closes_it_and_runs_on
    gate = Queue.new
    reply = reply_to(lambda do |stream|
      Thread.new do
        stream << "one"
        stream.close
        gate.pop
      end
    end)
    served
    assert_equal ["one", true, ""], [reply.body, reply.complete, log]
  ensure
    gate << nil
  end

  def test_stream_of_a_thread_that_fails
    body = lambda do |stream|
      Thread.new do
        Thread.current.report_on_exception = false
        stream << "one"
        raise "oh"
      end
    end
    reply = reply_to(body)
    served
    assert_equal ["one", false], [reply.body, reply.complete]
    assert_match(/RuntimeError: oh/, log)
  end

  def test_thread_that_has_nothing_to_do_with_the_stream
    gate = Queue.new
    serve(->(_) { [200, TEXT, ->(stream) { Thread.new { gate.pop }; stream << "x" }] },
          lint: false, limits: limits(write_seconds: 0.2))
    reply = connect.get
    served
    assert_equal ["x", true], [reply.body, reply.complete]
    assert_match(/the stream was neither closed nor used/, log)
  ensure
    gate << nil
  end

  def test_threads_of_libraries_are_not_waited_for
    gates = Queue.new
    reply = reply_to(lambda do |stream|
      stream << "x"
      [:fork_safe, :"\0__detached_thread__"].each { |mark| Thread.new { gates.pop }.thread_variable_set(mark, true) }
    end)
    assert_equal ["x", true, ""], [reply.body, reply.complete, log]
  ensure
    2.times { gates << nil }
  end

  def test_header_rack_hijack
    events = []
    hijack = lambda do |io|
      io.write("one")
      io.write_nonblock("two", exception: false)
      io.puts("!")
      io.flush
      events << io.closed?
      io.close
    end
    body = []
    body.define_singleton_method(:close) { events << :closed }
    reply = reply_to(body, { "rack.hijack" => hijack })
    served
    assert_equal ["onetwo!\n", true, [false, :closed]], [reply.body, reply.complete, events]
    assert_empty reply.header("rack.hijack")
    assert_match(/header rack.hijack is a String/, refused([], { "rack.hijack" => "x" }))
    assert_equal 304, reply_to(body, { "rack.hijack" => hijack }, status: 304).status
  end

  # A response whose chunks take until the gate is opened.
  class SlowResponse
    attr_reader :entered, :gate, :events

    def initialize
      @entered, @gate, @events = Array.new(3) { Queue.new }
    end

    def chunk(bytes)
      @entered << nil
      @gate.pop
      @events << bytes
    end
  end

  # What is written then would be in the response to another request, which has the buffer and may have the connection.
  def test_nothing_is_written_once_it_is_closed
    response = SlowResponse.new
    stream = PreforkLauncher::FastCGI::Stream.new(response, nil)
    chunk = Object.new
    chunk.define_singleton_method(:to_s) do
      stream.close
      "late"
    end
    response.gate << nil
    assert_raises(IOError) { stream.write(chunk) }
    assert_empty response.entered
  end

  def test_closing_waits_for_what_is_written
    response = SlowResponse.new
    stream = PreforkLauncher::FastCGI::Stream.new(response, nil)
    writer = Thread.new { stream << "one" }
    response.entered.pop
    closer = Thread.new do
      stream.close
      response.events << :closed
    end
    Thread.pass until closer.stop?
    response.gate << nil
    [writer, closer].each(&:join)
    assert_equal ["one", :closed], Array.new(2) { response.events.pop }
  end

  # A client that reads slowly.
  def test_it_is_used_while_something_is_written
    response = SlowResponse.new
    stream = PreforkLauncher::FastCGI::Stream.new(response, nil)
    writer = Thread.new do
      stream << "one"
      stream.close
    end
    response.entered.pop
    waiter = Thread.new { stream.wait(0.01) }
    waiter.join(0.2)
    response.gate << nil
    assert waiter.value
    writer.join
  end
end
