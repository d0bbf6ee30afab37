# frozen_string_literal: true

require_relative "support/fastcgi_wire_case"

# Records that are well-formed or not, in any order, of any request.
class FastCGIRecordTest < FastCGIWireCase
  def test_other_versions
    [0, 2, 255].each { |version| assert_closes(Wire.begin_request(version: version)) }
    assert_match(/record of version 255/, log)
  end

  def test_header_cut_off
    serve
    (1..7).each do |size|
      client = connect
      client.send(Wire.begin_request.byteslice(0, size))
      client.socket.close_write
      assert client.closed?
      served
    end
    assert_equal "", log
  end

  def test_records_of_requests_never_begun
    serve
    client = connect
    client.send(Wire.record(4, "abc", id: 9) + Wire.record(5, "abc", id: 9) + Wire.record(2, "", id: 9) + Wire.record(8, "", id: 9))
    assert_equal 200, client.get.status
  end

  def test_too_many_records_of_requests_never_begun
    assert_closes(Wire.record(5, "abc", id: 9) * 20, limits: limits(ignored_records: 10))
    assert_match(/records of no request/, log)
  end

  def test_begin_request_of_wrong_size
    [0, 7, 9, 16].each { |size| assert_closes(Wire.record(1, "\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0".byteslice(0, size))) }
  end

  def test_other_roles
    serve
    [0, 2, 3, 99, 65_535].each do |role|
      client = connect
      client.send(Wire.begin_request(role: role, id: 7) + Wire.params(FastCGIClient.params("/"), id: 7))
      reply = client.reply(id: 7)
      assert_equal [3, ""], [reply.protocol_status, reply.head]
      assert client.closed?
      client.close
    end
  end

  def test_other_role_on_a_kept_connection
    serve
    client = connect
    client.send(Wire.begin_request(role: 2, flags: 1) + Wire.params(FastCGIClient.params("/")))
    assert_equal 3, client.reply.protocol_status
    assert_equal 200, client.get.status
  end

  def test_begin_request_with_id_0
    assert_closes(Wire.begin_request(id: 0))
  end

  def test_second_begin_with_another_id
    serve
    client = connect
    client.send(Wire.begin_request(id: 1) + Wire.begin_request(id: 2) + Wire.params(FastCGIClient.params("/first"), id: 1))
    assert_equal 1, client.reply(id: 2).protocol_status
    assert_equal "GET /first 0", client.reply(id: 1).body
  end

  def test_second_begin_in_the_middle_of_the_body
    serve
    client = connect
    client.send(Wire.begin_request + Wire.params(FastCGIClient.params("/first", "abcd")) + Wire.record(5, "ab"))
    client.send(Wire.begin_request(id: 2) + Wire.params(FastCGIClient.params("/second"), id: 2) + Wire.record(5, "", id: 2))
    assert_equal 1, client.reply(id: 2).protocol_status
    client.send(Wire.record(5, "cd"))
    assert_equal "POST /first 4", client.reply.body
  end

  def test_second_begin_with_the_same_id
    assert_closes(Wire.begin_request + Wire.begin_request)
    assert_closes(Wire.begin_request + Wire.params(FastCGIClient.params("/", "abc")) + Wire.begin_request)
  end

  def test_largest_id
    serve
    reply = connect.get("/", id: 65_535)
    assert_equal 200, reply.status
    assert_equal [65_535], reply.records.map(&:id).uniq
  end

  def test_reserved_bytes_and_unknown_flags
    serve
    client = connect
    begin_request = Wire.record(1, "\0\x01\xfe\xff\xff\xff\xff\xff".b, reserved: 255)
    client.send(begin_request + Wire.params(FastCGIClient.params("/")) + Wire.record(5, "", reserved: 7))
    assert_equal 200, client.reply.status
    assert client.closed?, "an unknown flag was taken for FCGI_KEEP_CONN"
  end

  def test_largest_record
    serve
    client = connect
    client.send(Wire.begin_request(padding: 255) + Wire.params(FastCGIClient.params("/", "x" * 65_535)))
    client.send(Wire.record(5, "x" * 65_535, padding: 255) + Wire.record(5, "", padding: 255))
    assert_equal "POST / 65535", client.reply.body
  end

  def test_padding_that_looks_like_records
    serve
    client = connect
    lure = Wire.record(2, "")
    begin_request = Wire.begin_request
    begin_request.setbyte(6, 16)
    client.send(begin_request + lure * 2 + Wire.params(FastCGIClient.params("/")) + Wire.record(5, ""))
    assert_equal 200, client.reply.status
  end

  def test_get_values
    serve
    client = connect
    names = Wire.pairs("FCGI_MAX_CONNS" => "", "FCGI_MAX_REQS" => "", "FCGI_MPXS_CONNS" => "", "FCGI_OTHER" => "")
    client.send(Wire.record(9, names, id: 0))
    expected = Wire.pairs("FCGI_MAX_CONNS" => "1", "FCGI_MAX_REQS" => "1", "FCGI_MPXS_CONNS" => "0")
    assert_equal [10, 0, expected], client.record.to_a
    client.send(Wire.record(9, "", id: 0))
    assert_equal [10, 0, ""], client.record.to_a
    client.send(Wire.begin_request + Wire.record(9, Wire.pair("FCGI_MAX_REQS", ""), id: 0) + Wire.params(FastCGIClient.params("/")))
    assert_equal [10, 0, Wire.pair("FCGI_MAX_REQS", "1")], client.record.to_a
    assert_equal 200, client.reply.status
  end

  def test_get_values_malformed
    assert_closes(Wire.record(9, "\xff", id: 0))
  end

  def test_unknown_management_type
    serve
    client = connect
    [11, 12, 255, 0].each do |type|
      client.send(Wire.record(type, "abc", id: 0))
      assert_equal [11, 0, [type].pack("C") + "\0" * 7], client.record.to_a
    end
    assert_equal 200, client.get.status
  end

  def test_http_and_tls
    assert_closes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert_closes("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".b + "\0" * 64)
  end
end
