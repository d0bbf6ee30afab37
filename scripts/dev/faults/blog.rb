# frozen_string_literal: true

require "fileutils"
require "open3"
require "rbconfig"
require_relative "../measured_launch"

module Faults
  # A copy of the blog of testdata/apps that releases are made of: one that works, one that does not load, and one that loads and
  # answers each request with 500.
  class Blog
    SOURCE = File.join(HERE, "testdata/apps/blog")
    LEFT = %w[log tmp Gemfile.lock].freeze
    NOT_LOADING = "raise \"a release that does not load\"\n"
    REFUSING = <<~RUBY
      refusing = Class.new do
        def initialize(_app); end

        def call(_env)
          [500, { "content-type" => "text/plain" }, ["a release that fails\\n"]]
        end
      end
      Rails.application.config.middleware.insert_before(0, refusing)
    RUBY

    attr_reader :root

    def initialize(folder)
      @root = File.join(folder, "blog")
      FileUtils.mkdir_p([@root, initializers = File.join(@root, "config", "initializers")])
      (Dir.children(SOURCE) - LEFT).each { |name| FileUtils.cp_r(File.join(SOURCE, name), @root) }
      FileUtils.mkdir_p([initializers, log])
      FileUtils.rm_f(Dir[File.join(@root, "db", "*.sqlite3*")])
      @initializer = File.join(initializers, "release.rb")
      @version = 0
      said, status = Open3.capture2e({ "RAILS_ENV" => "production" }, RbConfig.ruby, "bin/setup", chdir: @root)
      raise "bin/setup of the blog: #{said}" unless status.success?
    end

    def log
      File.join(@root, "log")
    end

    def release
      FileUtils.rm_f(@initializer)
      File.write(File.join(@root, "version"), "release #{@version += 1}")
    end

    def release_not_loading
      File.write(@initializer, NOT_LOADING)
    end

    def release_refusing
      File.write(@initializer, REFUSING)
    end
  end
end
