# frozen_string_literal: true

# The probe application on the gem fcgi (ruby-fcgi), which needs no Rack: ruby probe_fcgi.rb, with the listening socket as
# standard input.
require "fcgi"

FILES = [] # rubocop:disable Style/MutableConstant

def echo(request)
  request.env.each { |name, value| request.out.print("#{name}=#{value}\n") }
  request.out.print("\n", request.in.read.to_s)
end

FCGI.each do |request|
  request.out.print("Content-Type: application/octet-stream\r\nX-Probe: #{Process.pid}\r\n\r\n")
  case request.env["QUERY_STRING"]
  when "probe=echo" then echo(request)
  when "probe=big" then 1024.times { request.out.print("0123456789abcdef" * 4096) }
  when "probe=stderr" then request.err.print("\e[31mred\a\x7f\n")
  when "probe=open" then FILES << File.open(File::NULL) while FILES.size < 1100
  when "probe=close" then FILES.each(&:close).clear
  end
rescue SystemCallError => error
  warn error.message # the peer has left
ensure
  request.finish
end
