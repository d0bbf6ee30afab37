# frozen_string_literal: true

require_relative "fastcgi_case"

# Responses that are told by their bodies.
class FastCGIBodyCase < FastCGICase
  TEXT = { "content-type" => "text/plain" }.freeze

  def reply_to(body, headers = {}, status: 200, **more)
    serve(->(_) { [status, TEXT.merge(headers), body] }, lint: false)
    connect.get("/", **more)
  end

  def refused(body, headers = {}, **more)
    reply = reply_to(body, headers, **more)
    served
    assert_equal [500, true], [reply.status, reply.complete]
    log
  end

  def streaming(stream)
    stream << "x"
    stream.close
  end
end
