# frozen_string_literal: true

require "minitest"
require "minitest/mock"
require "stringio"
require "timeout"
require "uri"
require "rack"
require "fastcgi/responder"
require_relative "fastcgi_client"

PreforkLauncher::FastCGI.require_libraries

# A test against a responder that serves real unix sockets on a thread of its own, as a worker does.
class FastCGICase < Minitest::Test
  Wire = FastCGIClient::Wire

  PLAIN = lambda do |env|
    [200, { "content-type" => "text/plain" }, ["#{env["REQUEST_METHOD"]} #{env["PATH_INFO"]} #{env["rack.input"].read.bytesize}"]]
  end

  def initialize(name)
    super
    @queue = @thread = @clients = @interrupts = @interrupter = nil
  end

  # Starts the responder, a new one if there is one already. Lint hides what a body can do besides each, so tests of
  # that go without.
  def serve(app = PLAIN, lint: true, **options)
    @queue << nil if @queue
    @log ||= StringIO.new
    @interrupts ||= []
    @queue = Queue.new
    @outcomes = Queue.new
    responder = PreforkLauncher::FastCGI::Responder.new(lint ? Rack::Lint.new(app) : app, errors: @log, **options)
    @thread = Thread.new(@queue, @outcomes) do |queue, outcomes|
      while (socket = queue.pop)
        outcomes << outcome(responder, socket)
      end
    end
  end

  def outcome(responder, socket)
    responder.serve(socket, interrupts: @interrupts)
    socket.closed? ? :closed : :open
  rescue Exception => error # rubocop:disable Lint/RescueException
    error
  end

  def limits(**given)
    PreforkLauncher::FastCGI::Limits.new(**given)
  end

  def connect
    mine, theirs = UNIXSocket.pair
    @queue << theirs
    (@clients ||= []) << FastCGIClient.new(mine)
    @clients.last
  end

  # Waits for the end of one serve and fails unless it returned with its socket closed.
  def served
    outcome = Timeout.timeout(30) { @outcomes.pop }
    raise outcome if outcome.is_a?(Exception)

    assert_equal :closed, outcome
  end

  # An interrupt that is readable once it was called.
  def interrupt
    reader, @interrupter = IO.pipe
    @interrupts = [reader]
    -> { @interrupter << "!" }
  end

  # The worker still works.
  def assert_alive
    @clients&.each(&:close)
    client = connect
    reply = client.get("/alive")
    assert reply.complete, "no END_REQUEST: #{reply.inspect}"
    assert_equal 200, reply.status
    client.close
  end

  def log
    @log.string
  end

  def teardown
    return unless @thread

    @clients&.each(&:close)
    @queue << nil
    [*@interrupts, @interrupter].compact.each(&:close) if @thread.join(30)
    flunk "the responder does not come to an end" if @thread.alive?
  end
end
