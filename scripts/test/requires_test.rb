# frozen_string_literal: true

require "minitest"
require "ripper"

# Each file requires the files whose names it uses, and no others: so the order of the program is that of its needs, and README.md's
# drawing is that of its calls. Parts of FastCGI stand for each other, as do the parts of RailsWarmup.
class RequiresTest < Minitest::Test
  # What applications alone call, from their load on.
  FOR_APPLICATIONS = { "loading.rb" => ["refork/unfitness.rb", "worker/application_interface.rb"] }.freeze

  SCRIPTS = File.expand_path("..", __dir__)
  FILES = Dir.glob("**/*.rb", base: SCRIPTS).grep_v(%r{\A(?:dev|test)/}).freeze
  PARTS = { "fastcgi" => "FastCGI", "memory/rails_warmup" => "RailsWarmup" }.freeze
  NAME = /^  (?:class|module) (\w+)/.freeze

  def source(file)
    File.read(File.join(SCRIPTS, file))
  end

  # The name of the launcher's that a file defines.
  def defined_in(file)
    PARTS[File.dirname(file)] || source(file)[NAME, 1]
  end

  def required_by(file)
    source(file).scan(/^require_relative "([^"]+)"(?: # later)?$/).map do |name,|
      File.expand_path("/#{File.dirname(file)}/#{name}.rb").delete_prefix("/")
    end
  end

  # Names without a leading :: that a file refers to.
  def used_by(file)
    found = []
    walk(Ripper.sexp(source(file)), found)
    found.uniq
  end

  def walk(node, found)
    return unless node.is_a?(Array)

    found << node[1][1] if node.first == :var_ref && node[1].is_a?(Array) && node[1].first == :@const
    node.each { |child| walk(child, found) }
  end

  def test_each_file_requires_what_it_uses
    names = FILES.map { |file| defined_in(file) }.compact.uniq
    FILES.grep_v(/\Aboot\.rb\z/).each do |file|
      own = defined_in(file)
      used = (used_by(file) & names) - [own]
      required = (required_by(file) - FOR_APPLICATIONS.fetch(file, [])).map { |needed| defined_in(needed) }.uniq - [own]
      assert_equal used.sort, required.sort, file
    end
  end
end
