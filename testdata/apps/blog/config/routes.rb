# frozen_string_literal: true

Rails.application.routes.draw do
  root "posts#index"
  get "posts/search", to: "posts#search"
  resources :posts, only: %i[index show new create destroy]

  post "upload", to: "files#create"
  get "download/:name", to: "files#show", as: :download, format: false, constraints: { name: %r{[^/]+} }

  get "rows", to: "rows#show"

  # Rack's own server of files knows ranges and conditions, which send_file does not. What it refuses stays so:
  # without the header nobody looks for another route.
  if defined?(Rack::Files)
    files = Rack::Files.new(Rails.configuration.x.files)
    mount ->(env) { files.call(env).tap { |_, headers, _| headers.delete_if { |name, _| name.casecmp?("x-cascade") } } }, at: "files"
  end

  controller :probes do
    get "stream"
    get "raise", action: :fail_on_purpose
    get "crash"
    get "pid"
    get "env", action: :environment
    get "slow"
    get "cookies", action: :set_cookies
    get "session", action: :count_in_session
    get "empty"
    get "unchanged"
    get "version"
    post "echo"
  end
end
