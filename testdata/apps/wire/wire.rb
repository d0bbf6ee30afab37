# frozen_string_literal: true

# What "make bench-wire" asks each server for. It does next to nothing itself: what is measured is the way to it and back.
class Wire
  # A file of which the server knows the path. One that does not use it reads large blocks.
  class FileBody
    BLOCK = 65_536

    attr_reader :to_path

    def initialize(path)
      @to_path = path
    end

    def each
      File.open(@to_path, "rb") do |file|
        while (block = file.read(BLOCK))
          yield block
        end
      end
    end
  end

  # The folder has the bodies: scripts/dev/wire/kind.rb writes them.
  def initialize(folder = ENV.fetch("WIRE_FILES"))
    @folder = folder
    @bodies = %w[hello page body].to_h { |name| ["/#{name}", File.read(File.join(folder, name), encoding: "UTF-8").freeze] }
  end

  def call(env)
    path = env["PATH_INFO"]
    body = @bodies[path]
    return text(body) if body

    case path
    when "/post" then text("#{env['rack.input'].read.bytesize}\n")
    when "/file-10", "/file-100" then file(File.join(@folder, path))
    when "/sendfile-10", "/sendfile-100" then [200, { "content-type" => "text/plain", "x-sendfile" => sent(path) }, []]
    else [404, { "content-type" => "text/plain", "content-length" => "0" }, []]
    end
  end

  private

  def text(body)
    [200, { "content-type" => "text/html; charset=utf-8", "content-length" => body.bytesize.to_s }, [body]]
  end

  def file(path)
    [200, { "content-type" => "text/plain", "content-length" => File.size(path).to_s }, FileBody.new(path)]
  end

  def sent(path)
    File.join(@folder, path.sub("sendfile", "file"))
  end
end
