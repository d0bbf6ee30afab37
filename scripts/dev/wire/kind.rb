# frozen_string_literal: true

module BenchWire
  # A kind of request, and the file that has the body of its response.
  class Kind
    ALL = {
      "hello" => ["hello"],
      "page" => ["page of 26 kB"],
      "body" => ["body of 1 MB"],
      "post" => ["POST of 1 kB", { posted: 1024 }],
      "file-10" => ["10 MB from a file", { large: true }],
      "file-100" => ["100 MB from a file", { large: true }],
      "sendfile-10" => ["10 MB by X-Sendfile", { large: true, file: "file-10" }],
      "sendfile-100" => ["100 MB by X-Sendfile", { large: true, file: "file-100" }]
    }.freeze

    attr_reader :name, :title, :posted

    def self.named(name)
      title, options = ALL.fetch(name)
      new(name, title, **options.to_h)
    end

    # Posted is how many bytes are sent. Large ones are asked for one by one: so few come in a measurement that one that is
    # cut off at its end would matter.
    def initialize(name, title, posted: 0, large: false, file: name)
      @name = name
      @title = title
      @posted = posted
      @large = large
      @file = file
    end

    def path
      "/#{@name}"
    end

    def large?
      @large
    end

    # Whether the web server is told to send the file itself.
    def sendfile?
      @file != @name
    end

    def body_file(folder)
      File.join(folder, @file)
    end

    def request
      head = "#{@posted.zero? ? 'GET' : 'POST'} #{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
      head += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: #{@posted}\r\n" unless @posted.zero?
      "#{head}\r\n#{'a' * @posted}"
    end
  end

  # The bodies of all responses, in a folder that every server is given.
  module Bodies
    LINE = "%07d It was a dark and stormy night; the rain fell in torrents.\n"
    SIZES = { "page" => 26_000, "body" => 1 << 20, "file-10" => 10 << 20, "file-100" => 100 << 20 }.freeze
    private_constant :LINE, :SIZES

    # Large ones only where they are asked for.
    def self.write(folder, kinds)
      File.write(File.join(folder, "hello"), "hello\n")
      File.write(File.join(folder, "post"), "#{Kind.named('post').posted}\n")
      wanted = kinds.map { |kind| File.basename(kind.body_file(folder)) } | %w[page body]
      SIZES.slice(*wanted).each { |name, size| write_text(File.join(folder, name), size) }
    end

    def self.write_text(path, size)
      File.open(path, "wb") do |file|
        lines = Array.new(SIZES.fetch("body") / format(LINE, 0).bytesize) { |n| format(LINE, n) }.join
        file.write(lines) while file.pos < size
        file.flush
        file.truncate(size)
      end
    end
    private_class_method :write_text
  end
end
