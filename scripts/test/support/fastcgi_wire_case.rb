# frozen_string_literal: true

require_relative "fastcgi_case"

# Bad and unusual input on the wire. Whatever comes, the worker runs on and serves the next request.
class FastCGIWireCase < FastCGICase
  NO_TIME = 0.05

  def teardown
    assert_alive if @thread&.alive? && passed?
    super
  end

  # Sends bytes and expects the connection to be closed without a response.
  def assert_closes(bytes, **options)
    serve(**options) unless @thread
    client = connect
    client.send(bytes)
    assert client.closed?, "answered or open after #{bytes.byteslice(0, 40).inspect}"
    served
    refute_match(/serve a FastCGI connection/, log)
  end

  # Sends bytes and expects a refusal with this status, without a call of the application.
  def assert_refused(status, bytes, **options)
    called = false
    options[:limits] ||= limits(drain_seconds: 600)
    serve(->(env) { called = env["PATH_INFO"] != "/alive"; PLAIN.call(env) }, **options)
    client = connect
    client.send(bytes)
    reply = client.reply
    assert_equal status, reply.status
    assert reply.complete
    assert client.closed?
    client.close
    served
    refute called
    assert_includes log, "refused a FastCGI request with #{status}"
  end
end
