# frozen_string_literal: true

server "www.example.org", user: "deploy", roles: %w[app]
