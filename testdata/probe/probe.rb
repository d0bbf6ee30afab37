# frozen_string_literal: true

# The probe application of "launcher conformance --echo" for Rack 2 and 3; fcgi/conformance/README.md has its contract.
class Probe
  BIG = "0123456789abcdef" * 4096
  FILES = 1100

  def initialize
    @files = []
  end

  def call(env)
    case env["QUERY_STRING"]
    when "probe=echo" then respond([parameters(env) + "\n".b + input(env)])
    when "probe=big" then respond(Enumerator.new { |chunks| 1024.times { chunks << BIG } })
    when "probe=stderr" then write_to_errors(env)
    when "probe=open" then open_files
    when "probe=close" then close_files
    else respond(["probe\n"])
    end
  end

  private

  def respond(body, status = 200)
    [status, { "content-type" => "application/octet-stream", "x-probe" => Process.pid.to_s }, body]
  end

  # What else is in the environment is Rack's, and begins with a lower case letter.
  def parameters(env)
    env.select { |name, value| value.is_a?(String) && name.match?(/\A[A-Z]/) }.map { |name, value| "#{name.b}=#{value.b}\n".b }.join
  end

  def input(env)
    env["rack.input"] ? env["rack.input"].read.to_s.b : "".b
  end

  def write_to_errors(env)
    env["rack.errors"].write("\e[31mred\a\x7f\n")
    respond(["probe\n"])
  end

  # They stay open until they are closed, so the next connections have higher numbers.
  def open_files
    soft, hard = Process.getrlimit(Process::RLIMIT_NOFILE)
    Process.setrlimit(Process::RLIMIT_NOFILE, [FILES + 400, hard].min, hard) if soft < FILES + 400
    @files << File.open(File::NULL) while @files.size < FILES
    respond(["probe\n"])
  rescue SystemCallError
    close_files
    respond(["too few files may be open\n"], 501)
  end

  def close_files
    @files.each(&:close)
    @files.clear
    respond(["probe\n"])
  end
end
