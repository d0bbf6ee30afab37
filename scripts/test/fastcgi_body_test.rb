# frozen_string_literal: true

require "delegate"
require "tempfile"
require_relative "support/fastcgi_body_case"

# Every form of a body that Rack 2.0 to 3.2 allow, and those that Puma and Unicorn take besides.
class FastCGIBodyTest < FastCGIBodyCase
  CONTENT = "0123456789\nabcdefghi\n"

  # A body as Rack 2.1 makes of a range: it names the file of which it sends a part.
  Part = Struct.new(:path, :from, :size) do
    alias_method :to_path, :path

    def each
      yield File.binread(path, size, from)
    end
  end

  def setup
    @file = Tempfile.new("body")
    @file.write(CONTENT)
    @file.flush
  end

  def teardown
    super
    @file.close!
  end

  def part(from = 5, size = 5)
    Part.new(@file.path, from, size)
  end

  # Files

  def test_part_of_a_file
    [[206, {}], [206, { "content-length" => "5" }], [200, { "Content-Range" => "bytes 5-9/21" }], [200, { "content-length" => 5 }],
     [206, { "content-length" => CONTENT.bytesize.to_s, "x" => "y" }]].each do |status, headers|
      size = headers["content-length"].to_i > 5 ? CONTENT.bytesize : 5
      body = size == 5 ? part : part(0, size)
      assert_equal size == 5 ? "56789" : CONTENT, reply_to(body, headers, status: status).body, headers.inspect
    end
  end

  def test_part_of_a_file_whose_length_was_removed
    assert_equal "56789", reply_to(part, {}, "HTTP_RANGE" => "bytes=5-9").body
  end

  def test_part_of_a_file_behind_a_delegator
    assert_equal "56789", reply_to(SimpleDelegator.new(part), {}, status: 206).body
    assert_equal "56789", reply_to(Rack::BodyProxy.new(part) {}, {}, status: 206).body
  end

  def test_whole_file_by_its_path
    reply = reply_to(part)
    assert_equal [CONTENT, [CONTENT.bytesize.to_s]], [reply.body, reply.header("content-length")]
    reply = reply_to(part, { "content-length" => CONTENT.bytesize }, "HTTP_RANGE" => "bytes=0-")
    assert_equal [CONTENT, 1], [reply.body, reply.header("content-length").size]
  end

  def test_path_that_is_none
    File.mkfifo(fifo = "#{@file.path}.fifo")
    [fifo, nil, "", "/", "/nonexistent", "a\0b", 5, false, :x].each do |path|
      body = Part.new(@file.path, 5, 5)
      body.define_singleton_method(:to_path) { path }
      assert_equal "56789", reply_to(body).body, path.inspect
    end
  ensure
    File.unlink(fifo)
  end

  def test_file
    reply = reply_to(File.open(@file.path))
    assert_equal [CONTENT, [CONTENT.bytesize.to_s]], [reply.body, reply.header("content-length")]
  end

  # Each begins where a file stands, and so does what is read in larger blocks.
  def test_file_from_where_it_stands
    file = File.open(@file.path)
    file.seek(5)
    reply = reply_to(file)
    assert_equal [CONTENT[5..], [(CONTENT.size - 5).to_s]], [reply.body, reply.header("content-length")]
    served
    assert file.closed?
    reply = reply_to(File.open(@file.path).tap { |one| one.seek(0, IO::SEEK_END) })
    assert_equal ["", 200], [reply.body, reply.status]
    @file.seek(5)
    assert_equal CONTENT[5..], reply_to(@file).body
  end

  def test_file_with_unwritten_content
    file = Tempfile.create("body")
    file.write("unwritten")
    file.rewind
    file.sync = false
    assert_equal "unwritten", reply_to(file).body
  ensure
    File.unlink(file.path)
  end

  def test_file_with_an_each_of_its_own
    file = File.open(@file.path)
    file.define_singleton_method(:each) { |&block| block.call("mine") }
    assert_equal "mine", reply_to(file).body
  end

  # Somebody else makes it shorter meanwhile.
  def test_file_that_ends_early
    file = File.open(@file.path)
    file.define_singleton_method(:read) { |*| nil }
    assert_match(/body ended 21 bytes before its content-length, 21/, refused(file))
  end

  # Its size is not known: stat says 0.
  def test_file_of_proc
    [File.open("/proc/version"), Part.new("/proc/version", 0, 10_000)].each do |body|
      assert_equal File.read("/proc/version"), reply_to(body).body
    end
  end

  def test_closed_file
    assert_match(/IOError: closed stream/, refused(File.open(@file.path).tap(&:close)))
  end

  def test_pipe_and_string_io
    assert_equal "a\nb", reply_to(StringIO.new("a\nb")).body
    pipe = IO.popen(["printf", 'a\nb'])
    pipe.define_singleton_method(:to_path) { "/proc/version" } # as every IO does from Ruby 3.2 on
    assert_equal "a\nb", reply_to(pipe).body
  end

  # Arrays and to_ary

  def test_arrays
    assert_equal "abc", reply_to(%w[a b c].freeze).body
    assert_equal "abc", reply_to(Class.new(Array).new(%w[a b c])).body
    assert_equal "ac", reply_to(["a", nil, "c"]).body
    assert_equal "ab", reply_to([Class.new(String).new("a"), "b"]).body
  end

  # ActiveStorage's disk service on Rails 7.2: to_ary calls each without a block.
  def test_to_ary_is_not_asked_where_the_length_is_known
    body = part
    body.define_singleton_method(:to_ary) { each }
    reply = reply_to(body, { "content-length" => "5", "content-range" => "bytes 5-9/21" }, status: 206)
    assert_equal ["56789", 206], [reply.body, reply.status], log
  end

  def test_to_ary_that_is_no_array
    [nil, :x, [1].each].each do |answer|
      body = Enumerator.new { |chunks| chunks << "each" }
      body.define_singleton_method(:to_ary) { answer }
      assert_equal "each", reply_to(body).body
    end
  end

  def test_to_ary
    body = Object.new
    body.define_singleton_method(:to_ary) { %w[a b] }
    body.define_singleton_method(:each) { raise "not this" }
    assert_equal "ab", reply_to(body).body
  end

  # Each and call

  def test_chunks_that_are_no_strings
    assert_equal "ab", reply_to(%w[a b].insert(1, nil).each).body
    assert_match(/body has an object of Integer in it, Rack wants Strings alone/, refused([5].each))
    assert_match(/body has an object of Symbol in it/, refused(["x", :x]))
  end

  def test_bodies_that_are_none
    { "text" => /body is an object of String/, nil => /of NilClass/,
      5 => /of Integer, Rack wants one with each or call/ }.each do |body, told|
      assert_match(told, refused(body))
    end
    [204, 304].each { |status| assert_equal status, reply_to(nil, status: status).status }
    assert_equal 200, reply_to(nil, {}, "REQUEST_METHOD" => "HEAD").status
  end

  def test_procs_methods_and_objects
    [->(stream) { stream << "x" }, proc { |stream| stream << "x" }, method(:streaming),
     Object.new.tap { |one| one.define_singleton_method(:call) { |stream| stream << "x" } }].each do |body|
      assert_equal "x", reply_to(body).body
    end
  end

  # Lengths

  def test_length_of_a_body_that_is_complete
    [%w[ü b], [], ["a", nil, ""]].each do |body|
      reply = reply_to(body)
      assert_equal [reply.body.bytesize.to_s], reply.header("content-length")
    end
    assert_empty reply_to(%w[a].each).header("content-length")
    assert_empty reply_to([], { "x-sendfile" => "/file" }).header("content-length")
    assert_empty reply_to(["a"], { "content-encoding" => "x" }).header("content-length")
  end

  def test_length_that_is_kept
    reply = reply_to(%w[a b].each, { "Content-Length" => "2" })
    assert_equal ["ab", ["2"]], [reply.body, reply.header("content-length")]
  end

  # One write: nothing is to come after the last byte.
  def test_last_chunk_of_a_known_length_leaves_with_the_end
    serve(->(_) { [200, TEXT.merge("content-length" => "2"), %w[a b].each] }, lint: false)
    client = connect
    client.send(Wire.request(FastCGIClient.params("/")))
    served
    types = []
    client.reply.records.each { |record| types << record.type }
    assert_equal [6, 6, 6, 3], types
  end

  def test_body_shorter_than_announced
    assert_match(/body ended 1 bytes before its content-length, 3/, refused(%w[a b], { "content-length" => "3" }))
    reply = reply_to(["a" * 200_000, "b"], { "content-length" => "200002" })
    served
    refute reply.complete
  end

  def test_body_longer_than_announced
    [%w[ab cd], %w[ab cd].each].each do |body|
      reply = reply_to(body, { "content-length" => "3" })
      served
      assert_equal ["abc", true], [reply.body, reply.complete]
      assert_match(/body is 1 bytes longer than its content-length, 3/, log)
    end
    assert_equal "üa", reply_to(["üab"], { "content-length" => "3" }).body.force_encoding("UTF-8")
  end

  # The web server sends a file in its place.
  def test_length_of_something_else
    %w[X-Sendfile X-Accel-Redirect X-LIGHTTPD-send-file].each do |name|
      reply = reply_to([], { "Content-Length" => "1000", name => "/file" })
      assert_equal [200, "", true], [reply.status, reply.body, reply.complete], name
    end
  end

  # Codings

  def test_chunked_body
    chunked = ["5\r\nhello\r\n", "1;x=y\r\n", "!\r", "\n", "A\r\n0123456789\r\n0\r\n", "trailer: x\r\n\r\n"]
    [chunked, chunked.each, chunked.join.chars, [chunked.join]].each do |body|
      reply = reply_to(body, { "Transfer-Encoding" => "chunked", "content-length" => "99" })
      assert_equal ["hello!0123456789", true], [reply.body, reply.complete], log
      assert_empty reply.header("transfer-encoding") + reply.header("content-length")
    end
    assert_equal "", reply_to(["0\r\n\r\n"], { "transfer-encoding" => ["chunked"] }).body
    assert_equal "a", reply_to(["a"], { "transfer-encoding" => "identity" }).body
    assert_equal 200, reply_to([], { "transfer-encoding" => "chunked" }, "REQUEST_METHOD" => "HEAD").status
  end

  def test_chunked_body_that_is_none
    ["hello", "x\r\nhello\r\n0\r\n\r\n", "-1\r\n", "5\r\nhellooo\r\n0\r\n\r\n", "\r\n", "#{'f' * 20}\r\n", "0" * 5000].each do |body|
      assert_match(/transfer-encoding is chunked, and the body/, refused([body], { "transfer-encoding" => "chunked" }))
    end
    ["5\r\nhello\r\n", "5\r\nhel", "5\r\nhello\r", "0\r\n", ""].each do |body|
      assert_match(/the body ended before its last chunk/, refused([body], { "transfer-encoding" => "chunked" }))
    end
    assert_match(/transfer-encoding is "gzip, chunked"/, refused([], { "transfer-encoding" => "gzip, chunked" }))
  end

  def test_file_with_a_chunked_header
    assert_match(/the body ended before its last chunk/, refused(part, { "transfer-encoding" => "chunked" }))
  end

  # Responses

  Response = Struct.new(:status, :headers, :body)

  def test_responses_that_are_no_arrays
    serve(->(_) { Response.new(201, TEXT, ["x"]) }, lint: false)
    assert_equal 201, connect.get.status
    response = Object.new
    response.define_singleton_method(:to_ary) { [202, TEXT, ["x"]] }
    serve(->(_) { response }, lint: false)
    assert_equal 202, connect.get.status
    serve(->(_) { [203, TEXT, ["x"], "more"].freeze }, lint: false)
    assert_equal 203, connect.get.status
  end

  def test_responses_that_are_none
    { nil => "a NilClass", [] => "an Array of 0", [200, {}] => "an Array of 2", "x" => "a String",
      { a: 1 } => "a Hash" }.each do |response, told|
      serve(->(_) { response }, lint: false)
      assert_equal 500, connect.get.status
      served
      assert_match(/the application returned #{told}, Rack wants \[status, headers, body\]/, log)
    end
  end

  def test_lint_of_this_rack_finds_nothing
    bodies = [["a"], %w[a b].each, File.open(@file.path), part(0, CONTENT.size)]
    bodies.each do |body|
      serve(->(_) { [200, TEXT.dup, body] })
      assert_equal 200, connect.get("/", "HTTP_HOST" => "example.com:80").status, log
    end
    serve(->(_) { [206, { "content-type" => "text/plain", "content-length" => "5" }, part] })
    assert_equal "56789", connect.get.body, log
  end

  # It takes URI for loaded, as Puma does.
  def test_lint_has_uri
    script = 'require "fastcgi/responder"; PreforkLauncher::FastCGI.require_libraries; exit(defined?(URI) ? 0 : 1)'
    assert system(RbConfig.ruby, "--disable-gems", "-I#{File.expand_path("..", __dir__)}", "-e", script)
  end
end
