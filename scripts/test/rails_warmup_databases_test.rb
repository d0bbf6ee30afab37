# frozen_string_literal: true

require "minitest"
require "fileutils"
require "json"
require "socket"
require_relative "support/app_folder"
require_relative "support/ruby_process"

# A Rails application with databases of every kind, in a process of its own: it starts, nothing has changed, and what can be
# learned is.
class RailsWarmupDatabasesTest < Minitest::Test
  include AppFolder
  include RubyProcess

  FILES = {
    "Gemfile" => "gem 'rails'\ngem 'sqlite3'\ngem 'pg'\n",
    "config/environment.rb" => <<~'RUBY',
      require "rails"
      require "active_record/railtie"
      class Shop < Rails::Application
        config.root = __dir__ + "/.."
        config.eager_load = true
        config.cache_classes = true
        config.secret_key_base = "x" * 64
        config.log_level = :debug
        config.load_defaults [Rails::VERSION::MAJOR, Rails::VERSION::MINOR].join(".")
      end
      Rails.application.initialize!
    RUBY
    "app/models/application_record.rb" => "class ApplicationRecord < ActiveRecord::Base; self.abstract_class = true; end",
    "app/models/post.rb" => <<~'RUBY',
      class Post < ApplicationRecord
        default_scope { raise "nobody has asked for posts" }
        belongs_to :ghost, optional: true
      end
    RUBY
    "app/models/ghost.rb" => "class Ghost < ApplicationRecord; end",
    "app/models/nameless.rb" => "class Nameless < ApplicationRecord; self.table_name = nil; end"
  }.freeze

  SCRIPT = <<~'RUBY'
    require "app_loader"
    require "fastcgi/error_stream"
    require "json"
    require "memory/optimizations"
    require "memory/rails_warmup"
    require "settings"
    require "stringio"
    PreforkLauncher::AppLoader.new(PreforkLauncher::Settings.new("root" => Dir.pwd, "generation" => "1", "entry" => "config/environment.rb")).load
    log = StringIO.new
    PreforkLauncher::RailsWarmup.new(PreforkLauncher::Optimizations.new(%w[routes secrets translations controllers views]), PreforkLauncher::FastCGI::ErrorStream.new(log)).run
    PreforkLauncher::ActiveRecordPools.all.each(&:disconnect!) # as before a fork
    told = { files: Dir["db/*"].sort, log: log.string.lines(chomp: true), methods: Post.method_defined?(:title) }
    Ghost.connection.create_table(:ghosts)
    told[:ghosts] = Ghost.table_exists?
    told[:logger] = ActiveRecord::Base.logger.equal?(Rails.logger)
    print JSON.generate(told)
  RUBY

  def setup
    super
    FILES.each { |name, text| write(name, text) }
    @databases = { "primary" => sqlite("db/posts.sqlite3") }
  end

  def sqlite(file, **more)
    { "adapter" => "sqlite3", "database" => file, "timeout" => 1000 }.merge(more.transform_keys(&:to_s))
  end

  # A database with a class of models, and one model.
  def database(name, configuration)
    @databases[name] = configuration
    write("app/models/#{name}_record.rb", <<~RUBY)
      class #{name.capitalize}Record < ApplicationRecord
        self.abstract_class = true
        connects_to database: { writing: :#{name}, reading: :#{name} }
      end
    RUBY
    write("app/models/#{name}_thing.rb", "class #{name.capitalize}Thing < #{name.capitalize}Record; end")
  end

  def posts
    FileUtils.mkdir_p("#{@root}/db")
    ruby(<<~'RUBY', "#{@root}/db/posts.sqlite3")
      require "sqlite3"
      SQLite3::Database.new(ARGV[0]).execute_batch(<<~SQL)
        PRAGMA journal_mode = WAL;
        CREATE TABLE posts (id integer PRIMARY KEY, title text, ghost_id integer);
      SQL
    RUBY
  end

  def run_all
    posts
    write("config/database.yml", JSON.generate("production" => @databases))
    JSON.parse(ruby(SCRIPT, chdir: @root, env: { "RAILS_ENV" => "production" }).lines.last)
  end

  def test_databases_of_every_kind
    needs "pg"
    silent = TCPServer.new("127.0.0.1", 0)
    database("silent", "adapter" => "postgresql", "host" => "127.0.0.1", "port" => silent.addr[1], "database" => "x")
    database("missing", sqlite("storage/deep/missing.sqlite3"))
    database("empty", sqlite("db/empty.sqlite3"))
    write("db/empty.sqlite3", "")
    database("garbage", sqlite("db/garbage.sqlite3"))
    write("db/garbage.sqlite3", "this is no database, and never was one " * 100)
    database("locked", sqlite("db/locked.sqlite3", timeout: 600_000))
    locked = lock("db/locked.sqlite3")
    told = run_all
    { "missing" => "there is nothing in #{@root}/storage/deep/missing.sqlite3", "empty" => "there is nothing in #{@root}/db/empty.sqlite3",
      "silent" => "it has not answered for 5 s", "locked" => "it has not answered for 5 s",
      "garbage" => /ActiveRecord::StatementInvalid: SQLite3::NotADatabase.*/ }.each do |name, reason|
      assert_match(/\Alauncher: preload: the database #{name}(?:record)? is skipped: #{reason} \(--without records\)\z/i,
                   told["log"].grep(/database #{name}/i).join("\n"))
    end
    assert_equal 5, told["log"].size, told["log"]
    assert_equal({ "methods" => true, "ghosts" => true, "logger" => true }, told.slice("methods", "ghosts", "logger"))
    # A journal is its holder's.
    assert_equal %w[db/empty.sqlite3 db/garbage.sqlite3 db/locked.sqlite3 db/posts.sqlite3], told["files"].grep_v(/locked.*-journal/)
    assert_equal [], Dir["#{@root}/storage"]
    assert_equal 0, File.size("#{@root}/db/empty.sqlite3")
    refute_match(/SCHEMA|posts/, File.read("#{@root}/log/production.log"))
  ensure
    silent&.close
    locked&.close
  end

  # SQLite itself waits for the lock, and Ruby stands still meanwhile.
  def lock(file)
    require "sqlite3"
    FileUtils.mkdir_p("#{@root}/db")
    SQLite3::Database.new("#{@root}/#{file}").tap { |database| database.execute_batch("CREATE TABLE locked_things (id); BEGIN EXCLUSIVE") }
  end
end
