# frozen_string_literal: true

# Parses name-value pairs for a test: on standard input a length of four bytes and so many bytes, again and again; on standard
# output the same, with the pairs encoded anew behind a P, or an M alone where they are malformed.
require "fastcgi/record"
require "fastcgi/params"

Params = PreforkLauncher::FastCGI::Params
$stdin.binmode
$stdout.binmode
while (head = $stdin.read(4))
  bytes = $stdin.read(head.unpack1("N")) || "".b
  answer = "P".b
  begin
    Params.parse(bytes, pairs = {})
    pairs.each { |name, value| Params.append(answer, name, value) }
  rescue Params::Malformed
    answer = "M".b
  end
  $stdout.write([answer.bytesize].pack("N"), answer)
  $stdout.flush
end
