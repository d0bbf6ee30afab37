# frozen_string_literal: true

require_relative "errors"

module PreforkLauncher
  module FastCGI
    # Makes the head of a CGI response (RFC 3875, section 6.3) of a Rack status and Rack headers. Refuses whatever would
    # let the application's data become another header or the body.
    class Head
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
      # No server of HTTP forwards these, and none of them has a place in a header of HTTP/2.
      UNSAFE = /[\x00-\x08\x0a-\x1f\x7f]/n.freeze
      LENGTH = /\A\d{1,18}\z/.freeze
      # What is done with the headers that the web server or this one needs to know. Those of one connection (RFC 9110,
      # section 7.6.1) are the web server's affair, and "status" would be taken for the status of the response.
      SPECIAL = {
        "status" => :drop, "connection" => :drop, "keep-alive" => :drop, "proxy-connection" => :drop, "te" => :drop, "upgrade" => :drop,
        "content-length" => :length, "transfer-encoding" => :coding, "content-range" => :partial, "content-encoding" => :encoded,
        "x-sendfile" => :elsewhere, "x-sendfile2" => :elsewhere, "x-lighttpd-send-file" => :elsewhere,
        "x-accel-redirect" => :elsewhere, "x-reproxy-url" => :elsewhere
      }.freeze
      # Names of files. The other ones that send something in the place of the body have addresses, or more than a name.
      FILES = %w[x-sendfile x-lighttpd-send-file].freeze
      OWN = "rack."
      NAMES_MAX = 500 # that are remembered, and how long each may be
      NAME_BYTES_MAX = 64
      SECRET = "set-cookie"
      NONE = {}.freeze
      BODILESS = [204, 205, 304].freeze
      private_constant :FILES, :STATUS_LINES, :NAME, :UNSAFE, :LENGTH, :SPECIAL, :OWN, :NAMES_MAX, :NAME_BYTES_MAX, :SECRET, :NONE,
                       :BODILESS

      # Returns what is done with a header of this name, :send with most. Raises InvalidResponse for what is none.
      def self.kind_of(name)
        raise InvalidResponse, "header name #{name.inspect}" unless name.ascii_only?

        known = name.downcase
        return SPECIAL[known] if SPECIAL.key?(known)
        return :own if known.start_with?(OWN)
        raise InvalidResponse, "header name #{name.inspect}" unless NAME.match?(name)

        :send
      end

      # Of each name that was sent, the kind.
      KINDS = Hash.new do |known, name|
        kind = kind_of(name)
        next kind if name.bytesize > NAME_BYTES_MAX

        known.clear if known.size >= NAMES_MAX
        known[name] = kind
      end
      private_constant :KINDS

      # Of each name that is sent as it is, lines that were sent, by value; of others, nil.
      LINES = Hash.new do |known, name|
        next unless name.instance_of?(String)

        values = memory_of(name)
        next values if name.bytesize > NAME_BYTES_MAX

        known.clear if known.size >= NAMES_MAX
        known[name] = values
      end
      VALUES_MAX = 16
      VALUE_BYTES_MAX = 128 # of a value that is remembered
      private_constant :LINES, :VALUES_MAX

      # Returns what remembers the lines of a name, NONE where nothing does, and nil for a name that is not sent as it is. Cookies are
      # one client's, and a worker's memory is that of the workers that are forked from it.
      def self.memory_of(name)
        return unless KINDS[name] == :send

        name.bytesize > NAME_BYTES_MAX || name.casecmp?(SECRET) ? NONE : {}
      end
      private_class_method :memory_of

      # Returns the line of a header, or nil where there may be more to it than one that is sent as it is.
      def self.line(name, value)
        return unless value.instance_of?(String) && (values = LINES[name])

        values[value] || make_line(name, value, values)
      end

      # A name that comes with ever new values, which are the numbers of requests, or secrets, is remembered without any.
      def self.make_line(name, value, values)
        return if !value.ascii_only? || UNSAFE.match?(value)

        line = "#{name}: #{value}\r\n".b
        return line if values.frozen? || value.bytesize > VALUE_BYTES_MAX

        values.size < VALUES_MAX ? values[value] = line.freeze : LINES[name] = NONE
        line
      end
      private_class_method :make_line

      # Whether it is the name of a content-length.
      def self.length?(name)
        name.instance_of?(String) && KINDS[name] == :length
      end

      # Returns the line of a usual status that a body comes with.
      def self.status_line(status)
        STATUS_LINES[status] unless BODILESS.include?(status)
      end

      # Returns the head and the body of a plain text response, for what the application has not served.
      def self.plain(status)
        text = "#{status} #{REASONS.fetch(status)}\n"
        [new(status, { "content-type" => "text/plain", "content-length" => text.bytesize.to_s }).render, text]
      end

      # The length is that which the application has announced. The stream is called where it has set the header
      # "rack.hijack".
      attr_reader :status, :length, :stream

      def initialize(status, headers, resolve_files: false)
        @status = final(status)
        @resolve_files = resolve_files
        @lines = String.new(capacity: 512) << (STATUS_LINES[@status] || "Status: #{@status} Unassigned\r\n")
        @length = @stream = nil
        @chunked = @partial = @encoded = @elsewhere = false
        raise InvalidResponse, "headers are a #{headers.class}, Rack wants a Hash" unless headers.respond_to?(:each)

        headers.each do |name, value|
          line = Head.line(name, value)
          line ? @lines << line : take(name, value)
        end
        @length = nil if bodiless? || @chunked
      end

      def bodiless?
        BODILESS.include?(@status)
      end

      # Whether the application has coded the body itself, which is usual in HTTP/1.1 and not known to CGI.
      def chunked?
        @chunked
      end

      # Whether the body is a part of the file that its path names.
      def partial?
        @partial || @status == 206
      end

      # Whether the web server sends something else in place of the body.
      def elsewhere?
        @elsewhere
      end

      # Returns the head. Known is the length of a body where the server knows it; the application's own content-length
      # comes first.
      def render(known = nil)
        known = nil if bodiless? || @chunked || @encoded || @elsewhere
        length = @length || known
        @lines << "content-length: " << length.to_s << "\r\n" if length
        @lines << "\r\n"
      end

      private

      # Returns a final status. FastCGI has no place for an interim one: a web server would wait for the response that
      # follows it.
      def final(value)
        return value if STATUS_LINES.key?(value)

        status = value.respond_to?(:to_i) ? value.to_i : 0
        return status if status.between?(200, 999)

        hint = case status
               when -1 then ", which asks for a response later on: FastCGI has no place for that, return it"
               when 100..199 then ": FastCGI has no place for an interim response or another protocol"
               end
        raise InvalidResponse, "status is no final HTTP status: #{value.inspect}#{hint}"
      end

      # Adds a header. Rack 3 has several values as an Array, Rack 2 as lines of one String.
      def take(name, value)
        return if value.nil?

        name = name.to_s
        kind = KINDS[name]
        if kind != :send
          return take_own(name.downcase, value) if kind == :own
          return unless keep?(kind, value)

          value = resolved(value) if @resolve_files && FILES.include?(name.downcase)
        end
        return value.each { |part| append(name, binary(part)) unless part.nil? } if value.is_a?(Array)

        text = binary(value)
        return append(name, text) unless text.include?("\n")

        text.split("\n").each { |part| append(name, part) unless part.empty? }
      end

      # Returns the text of a value, of which a copy is made where it could not be appended to bytes as it is.
      def binary(value)
        text = value.to_s
        text.ascii_only? ? text : text.b
      end

      # Whether a special header is sent as it is.
      def keep?(kind, value)
        case kind
        when :length then announce(value)
        when :coding then decode(value)
        when :drop then return false
        when :partial then @partial = true
        when :encoded then @encoded = true
        when :elsewhere then @elsewhere = true
        end
        kind != :length && kind != :coding
      end

      # Takes a content-length; more than one is allowed if all are equal.
      def announce(value)
        return @length = value.to_i if @length.nil? && value.is_a?(String) && LENGTH.match?(value)

        Array(value).each do |one|
          raise InvalidResponse, "content-length is #{value.inspect}" unless LENGTH.match?(text = one.to_s.strip)
          raise InvalidResponse, "content-length is #{@length} and #{text}" if @length && @length != text.to_i

          @length = text.to_i
        end
      end

      def decode(value)
        codings = Array(value).join(",").downcase.split(",").map(&:strip) - ["", "identity"]
        return if codings.empty?
        raise InvalidResponse, "transfer-encoding is #{value.inspect}, only chunked is known" unless codings == ["chunked"]

        @chunked = true
      end

      # Takes a header whose name begins with "rack.", which is meant for the server.
      def take_own(name, value)
        case name
        when "rack.hijack"
          raise InvalidResponse, "header rack.hijack is a #{value.class}, Rack wants something to call" unless value.respond_to?(:call)

          @stream = value
        when "rack.protocol"
          raise InvalidResponse, "header rack.protocol asks for #{value.inspect}: FastCGI knows no other protocol"
        end
      end

      # Returns the name of a file with its links followed: after a deploy the application lives in another folder, and
      # its links lead to the same files.
      def resolved(path)
        return path.map { |one| resolved(one) } if path.is_a?(Array)

        File.realpath(path.to_s).gsub("%", "%25")
      rescue SystemCallError, ArgumentError # the web server refuses it
        path
      end

      def append(name, value)
        raise InvalidResponse, "header #{name} contains CR, LF, NUL or another control character: #{value.inspect}" if UNSAFE.match?(value)

        @lines << name << ": " << value << "\r\n"
      end
    end
  end
end
