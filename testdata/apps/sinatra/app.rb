# frozen_string_literal: true

require "digest"
require "fileutils"
require "json"
require "sinatra/base"

# The probes of the application "rack", in Sinatra's words, with its sessions and its
# protection against forged requests.
class App < Sinatra::Base
  FILES = File.expand_path("tmp/files", __dir__)
  VERSION = File.read(File.join(__dir__, "version"))

  set :environment, :production
  set :static, false
  set :show_exceptions, false
  set :raise_errors, true
  set :sessions, true
  set :session_secret, "sinatra" * 16
  set :protection, except: :http_origin
  use Rack::Session::Cookie, secret: "sinatra" * 16, key: "rack.session"
  use Rack::Protection::AuthenticityToken, except: nil, allow_if: ->(env) { env["PATH_INFO"] != "/form" }
  set :sessions, false

  helpers do
    def plain(body)
      content_type "text/plain"
      body
    end

    def digested(fields)
      content_type :json
      JSON.generate(fields)
    end
  end

  get("/") { plain("sinatra\n" * 1000) }

  get "/env" do
    strings = request.env.select { |_, value| value.is_a?(String) }
    digested(strings.transform_values { |value| value.dup.force_encoding("UTF-8").scrub })
  end

  post "/echo" do
    body = request.body ? request.body.read.to_s : ""
    digested("size" => body.bytesize, "sha256" => Digest::SHA256.hexdigest(body))
  end

  post "/upload" do
    FileUtils.mkdir_p(FILES)
    path = File.join(FILES, File.basename(params[:file][:filename].dup.force_encoding("UTF-8")))
    IO.copy_stream(params[:file][:tempfile], path)
    digested("size" => File.size(path), "sha256" => Digest::SHA256.file(path).hexdigest)
  end

  %w[/files/* /download/*].each do |route|
    get(route) { send_file(File.join(FILES, File.basename(params[:splat].first)), type: "application/octet-stream") }
  end

  get "/stream" do
    content_type "text/plain"
    stream do |out|
      params[:chunks].to_i.times do |n|
        sleep 0.005 until n.zero? || File.exist?(File.expand_path("tmp/#{params[:gate]}.#{n}", __dir__))
        out << "chunk #{n}\n"
      end
    end
  end

  get("/raise") { raise "raised on purpose" }

  get "/crash" do
    Process.kill("KILL", Process.pid)
    sleep
  end

  get("/pid") { plain("#{Process.pid}\n") }

  get "/cookies" do
    response.set_cookie("one", value: "1", path: "/")
    response.set_cookie("two", value: "2", path: "/", httponly: true)
    plain("cookies\n")
  end

  get "/session" do
    session[:count] = session[:count].to_i + 1
    plain("#{session[:count]}\n")
  end

  get "/form" do
    token = Rack::Protection::AuthenticityToken.token(env["rack.session"])
    %(<form method="post"><input type="hidden" name="authenticity_token" value="#{token}"></form>)
  end

  post("/form") { plain("accepted #{params[:title]}\n") }

  get("/empty") { 204 }

  get "/unchanged" do
    etag "probe"
    plain("changed\n")
  end

  get("/version") { plain(VERSION) }
end
