# frozen_string_literal: true

Rails.application.routes.draw do
  root "posts#index"
  resources :posts, only: %i[index show new create destroy]

  post "upload", to: "files#create"
  get "download/:name", to: "files#show", as: :download, format: false, constraints: { name: %r{[^/]+} }

  get "rows", to: "rows#show"

  controller :probes do
    get "stream"
    get "raise", action: :fail_on_purpose
    get "crash"
    get "pid"
    get "env", action: :environment
    get "slow"
    post "echo"
  end
end
