# frozen_string_literal: true

require "minitest"
require "tmpdir"
require_relative "support/ruby_process"

# With the ActiveRecord that is installed, in processes of their own.
class ActiveRecordPoolsTest < Minitest::Test
  include RubyProcess

  PRELUDE = <<~'RUBY'
    require "active_record"
    require "active_record_pools"
    include ActiveRecord
    LEGACY = ActiveRecord.respond_to?(:legacy_connection_handling) ? ActiveRecord : Base
    def database(name)
      { adapter: "sqlite3", database: File.join(Dir.pwd, "#{name}.sqlite3") }
    end
    def pools
      PreforkLauncher::ActiveRecordPools.all
    end
    def files(list = pools)
      list.map { |pool| pool.respond_to?(:db_config) ? pool.db_config.database : pool.spec.config[:database] }.map { |path| File.basename(path, ".*") }
    end
    def connect(base = Base)
      base.connection.execute("SELECT 1")
    end
  RUBY

  def run_in(script, legacy: nil)
    choice = legacy.nil? ? "" : "LEGACY.legacy_connection_handling = #{legacy} if LEGACY.respond_to?(:legacy_connection_handling=)\n"
    Dir.mktmpdir { |folder| ruby(PRELUDE + choice + script, chdir: folder) }
  end

  ROLES = <<~'RUBY'
    class Primary < Base
      self.abstract_class = true
    end
    class Animals < Base
      self.abstract_class = true
    end
    Base.configurations = { "production" => { "primary" => database("writing").transform_keys(&:to_s), "replica" => database("reading").transform_keys(&:to_s),
      "animals" => database("animals").transform_keys(&:to_s), "animals_replica" => database("animals_reading").transform_keys(&:to_s) } }
    ENV["RAILS_ENV"] = "production"
    Base.connection_handlers = { writing: Base.default_connection_handler } if LEGACY.respond_to?(:legacy_connection_handling) && LEGACY.legacy_connection_handling
    Base.connects_to database: { writing: :primary, reading: :replica }
    Animals.connects_to database: { writing: :animals, reading: :animals_replica }
    %i[writing reading].each { |role| Base.connected_to(role: role) { connect; connect(Animals) } }
    raise files.inspect unless files.sort == %w[animals animals_reading reading writing]
    raise "not all connected" unless pools.all? { |pool| pool.connections.size == 1 }
    pools.each(&:disconnect!)
    raise "still connected" unless pools.none? { |pool| pool.connections.any? }
    print "done"
  RUBY

  def test_roles_and_databases
    assert_equal "done", run_in(ROLES, legacy: false)
  end

  def test_roles_and_databases_with_legacy_handling
    skip "this ActiveRecord has none" unless run_in("print LEGACY.respond_to?(:legacy_connection_handling=)") == "true"
    assert_equal "done", run_in(ROLES, legacy: true)
  end

  def test_shards
    skip "this ActiveRecord has none" unless run_in("print Base.method(:connects_to).parameters.include?([:key, :shards])") == "true"
    assert_equal "one two", run_in(<<~'RUBY', legacy: false)
      class Sharded < Base
        self.abstract_class = true
      end
      Base.configurations = { "production" => { "one" => database("one").transform_keys(&:to_s), "two" => database("two").transform_keys(&:to_s) } }
      ENV["RAILS_ENV"] = "production"
      Sharded.connects_to shards: { default: { writing: :one }, other: { writing: :two } }
      %i[default other].each { |shard| Sharded.connected_to(role: :writing, shard: shard) { connect(Sharded) } }
      raise unless pools.all? { |pool| pool.connections.any? }
      print files.sort.join(" ")
    RUBY
  end

  # Only the railtie fills connection_handlers.
  def test_without_rails
    [nil, true, false].each do |legacy|
      assert_equal "plain", run_in('Base.establish_connection(database("plain")); connect; print files.join(" ")', legacy: legacy)
    end
  end

  def test_no_database
    assert_equal "0", run_in("print pools.count")
  end

  # A handler of the current thread alone.
  def test_a_handler_that_is_swapped_in
    assert_equal "own plain", run_in(<<~'RUBY')
      Base.establish_connection(database("plain"))
      Base.connection_handler = ConnectionAdapters::ConnectionHandler.new
      Base.establish_connection(database("own"))
      print files.sort.join(" ")
    RUBY
  end
end
