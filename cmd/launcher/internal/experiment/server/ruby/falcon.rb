# frozen_string_literal: true

require "falcon/environment/rack"

# Processes that are forked once the application is loaded. Each makes a fiber of each request: it has no limit of one at a time.
def serve(processes)
  service "app" do
    include Falcon::Environment::Rack

    count processes
    preload "falcon_preload.rb"
    rackup_path { File.expand_path("wrapper.ru", root) }
    ipc_path { File.expand_path("server.sock", root) }
    scheme "http"
    protocol { Async::HTTP::Protocol::HTTP1 }
  end
end
