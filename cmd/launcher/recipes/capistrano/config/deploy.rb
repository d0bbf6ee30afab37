# frozen_string_literal: true

lock "~> 3.17"

set :application, "shop"
set :repo_url, "git@git.example.org:shop.git"
set :deploy_to, "/srv/shop"
set :linked_dirs, %w[log storage tmp/pids]
set :linked_files, %w[config/master.key]
