# frozen_string_literal: true

Rails.application.routes.draw do
  get "rows", to: "rows#show"
end
