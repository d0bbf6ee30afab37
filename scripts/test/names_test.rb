# frozen_string_literal: true

require "minitest"
require "ripper"
require "set"
require_relative "support/ruby_process"

# The names of this program stay apart from those of Ruby and of applications.
class NamesTest < Minitest::Test
  include RubyProcess

  SOURCES = Dir[File.expand_path("../**/*.rb", __dir__)].grep_v(%r{/scripts/(?:dev|test)/}).freeze

  NEWER = %w[Ractor].freeze # asked for where there is one

  # A constant as the sources name it without a leading :: (plain), or where they define it.
  Mention = Struct.new(:name, :kind, :file, :line) do
    def to_s
      "#{File.basename(file)}:#{line}: #{name}"
    end
  end

  # The constants of Ruby with the libraries that the program requires; then those that the program adds.
  KNOWN = <<~'RUBY'
    %w[bundler date delegate etc ipaddr json objspace ripper set socket stringio tempfile time uri].each { |library| require library }
    before = Object.constants
    ARGV.each { |file| require file }
    print Marshal.dump([before.map(&:to_s), (Object.constants - before).map(&:to_s)])
  RUBY

  def known
    @known ||= Marshal.load(ruby(KNOWN, *SOURCES.grep_v(%r{/boot\.rb\z})))
  end

  def mentions
    SOURCES.flat_map do |file|
      found = []
      walk(Ripper.sexp(File.read(file)), found, file)
      found
    end
  end

  def walk(node, found, file)
    return unless node.is_a?(Array)

    case node.first
    when :var_ref then add(node[1], found, :plain, file)
    when :const_ref, :var_field then add(node[1], found, :defined, file)
    when :const_path_field then add(node[2], found, :defined, file)
    end
    node.each { |child| walk(child, found, file) }
  end

  # Calls without a receiver that are meant for Kernel: a method of that name at the top of an application comes first.
  TAKEN = %w[format sprintf sleep loop exit abort caller open print printf puts p pp warn rand select test system spawn load catch trap
             at_exit gets eval].freeze

  def test_functions_that_applications_may_have_are_kernel_s
    found = []
    SOURCES.each do |file|
      source = File.read(file)
      own = source.scan(/\bdef (?:self\.)?(\w+)/).flatten
      calls(Ripper.sexp(source)) do |(_, name, place)|
        found << "#{File.basename(file)}:#{place.first}: #{name}" if TAKEN.include?(name) && !own.include?(name)
      end
    end
    assert_empty found
  end

  def calls(node, &block)
    return unless node.is_a?(Array)

    block.call(node[1]) if %i[fcall vcall command].include?(node.first) && node[1].is_a?(Array) && node[1].first == :@ident
    node.each { |child| calls(child, &block) }
  end

  def add(token, found, kind, file)
    found << Mention.new(token[1], kind, file, token[2].first) if token.is_a?(Array) && token.first == :@const
  end

  # Elsewhere in its class it would be taken for Ruby's. Those of a record are what the specification calls them.
  def test_no_name_of_ruby_is_taken
    taken = mentions.select { |mention| mention.kind == :defined && known.first.include?(mention.name) }
    taken.reject! { |mention| mention.file.end_with?("record.rb") }
    assert_empty taken.map(&:to_s)
  end

  def test_one_name_is_added_to_all_that_there_are
    assert_equal ["PreforkLauncher"], known.last
  end

  # What is the application's, or of a gem, is named from the top: this program may have something of the same name,
  # today or tomorrow.
  def test_what_is_not_ruby_s_is_named_from_the_top
    all = mentions
    own = all.select { |mention| mention.kind == :defined }.map(&:name).to_set << "DATA"
    strange = all.select { |mention| mention.kind == :plain && !own.include?(mention.name) && !known.first.include?(mention.name) }
    strange.reject! { |mention| NEWER.include?(mention.name) }
    assert_empty strange.map(&:to_s)
  end
end
