# frozen_string_literal: true

require_relative "failure"

module PreforkLauncher
  module FastCGI
    # The head of a CGI response (RFC 3875, section 6.3) made of a Rack status and Rack headers. Refuses whatever would let the
    # application's data become another header or the body.
    module Head
      REASONS = {
        200 => "OK", 201 => "Created", 202 => "Accepted", 203 => "Non-Authoritative Information", 204 => "No Content",
        205 => "Reset Content", 206 => "Partial Content", 207 => "Multi-Status", 208 => "Already Reported", 226 => "IM Used",
        300 => "Multiple Choices", 301 => "Moved Permanently", 302 => "Found", 303 => "See Other", 304 => "Not Modified",
        305 => "Use Proxy", 307 => "Temporary Redirect", 308 => "Permanent Redirect",
        400 => "Bad Request", 401 => "Unauthorized", 402 => "Payment Required", 403 => "Forbidden", 404 => "Not Found",
        405 => "Method Not Allowed", 406 => "Not Acceptable", 407 => "Proxy Authentication Required", 408 => "Request Timeout",
        409 => "Conflict", 410 => "Gone", 411 => "Length Required", 412 => "Precondition Failed", 413 => "Content Too Large",
        414 => "URI Too Long", 415 => "Unsupported Media Type", 416 => "Range Not Satisfiable", 417 => "Expectation Failed",
        421 => "Misdirected Request", 422 => "Unprocessable Content", 423 => "Locked", 424 => "Failed Dependency",
        425 => "Too Early", 426 => "Upgrade Required", 428 => "Precondition Required", 429 => "Too Many Requests",
        431 => "Request Header Fields Too Large", 451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error", 501 => "Not Implemented", 502 => "Bad Gateway", 503 => "Service Unavailable",
        504 => "Gateway Timeout", 505 => "HTTP Version Not Supported", 506 => "Variant Also Negotiates",
        507 => "Insufficient Storage", 508 => "Loop Detected", 511 => "Network Authentication Required"
      }.freeze
      STATUS_LINES = REASONS.map { |status, reason| [status, "Status: #{status} #{reason}\r\n".b.freeze] }.to_h.freeze
      NAME = /\A[!#$%&'*+\-.^_`|~0-9A-Za-z]+\z/n.freeze
      UNSAFE = /[\0\r\n]/n.freeze
      SIZED = /\A(?:content-length|transfer-encoding|content-encoding)\z/i.freeze
      private_constant :REASONS, :STATUS_LINES, :NAME, :UNSAFE, :SIZED

      # Final statuses only: FastCGI has no place for an interim one, a web server would wait for the response that follows it.
      def self.status(value)
        status = Integer(value, exception: false)
        raise InvalidResponse, "status is no final HTTP status: #{value.inspect}" unless status && status.between?(200, 999)

        status
      end

      # With a length, that of a body whose size the server knows, unless the application has said how long it is.
      def self.build(status, headers, length: nil)
        raise InvalidResponse, "headers are a #{headers.class}" unless headers.respond_to?(:each)

        head = String.new(capacity: 512)
        head << (STATUS_LINES[status] || "Status: #{status} Unassigned\r\n".b)
        headers.each do |name, value|
          append(head, name, value)
          length = nil if length && SIZED.match?(name.to_s)
        end
        head << "content-length: #{length}\r\n" if length
        head << "\r\n"
      end

      # A plain text response, for what the application did not answer.
      def self.plain(status)
        text = "#{status} #{REASONS.fetch(status)}\n"
        [build(status, { "content-type" => "text/plain", "content-length" => text.bytesize.to_s }), text]
      end

      # Rack 3 gives several values as an Array, Rack 2 as lines of one String. Names that begin with "rack." are meant for the
      # server; "status" would be taken for the status of the response.
      def self.append(head, name, value)
        name = name.to_s
        return if value.nil? || name.start_with?("rack.") || name.casecmp?("status")
        raise InvalidResponse, "header name #{name.inspect}" unless NAME.match?(name.b)

        case value
        when Array then value.each { |part| append_line(head, name, part.to_s) }
        else
          text = value.to_s
          return append_line(head, name, text) unless text.include?("\n")

          text.split("\n").each { |part| append_line(head, name, part) unless part.empty? }
        end
      end
      private_class_method :append

      def self.append_line(head, name, value)
        value = value.b unless value.encoding == Encoding::BINARY
        raise InvalidResponse, "header #{name} contains CR, LF or NUL: #{value.inspect}" if UNSAFE.match?(value)

        head << name << ": " << value << "\r\n"
      end
      private_class_method :append_line
    end
  end
end
