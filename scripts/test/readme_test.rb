# frozen_string_literal: true

require "minitest"

# README.md tells which file calls which, and where a process leaves. It is what a newcomer reads first, so it has to be true.
class ReadmeTest < Minitest::Test
  SCRIPTS = File.expand_path("..", __dir__)
  README = File.read(File.join(SCRIPTS, "README.md"))
  BRANCH = /\A(?<indent>[│ ]*)[├└]── (?<file>\S+\.rb)/.freeze

  def section(title)
    README[/^## #{Regexp.escape(title)}\n(.*?)(?=^## |\z)/m, 1] or flunk "there is no section #{title}"
  end

  # Pairs of files, as drawn: the one below is called by the one above.
  def drawn
    above = ["boot.rb"]
    section("Which file calls which").lines.map { |line| BRANCH.match(line) }.compact.map do |branch|
      depth = branch[:indent].size / 4 + 1
      above[depth] = branch[:file]
      above[depth - 1, 2]
    end
  end

  def source(file)
    File.read(File.join(SCRIPTS, file))
  end

  # The path of a file that is named from a folder.
  def below(folder, name)
    File.expand_path("/#{folder}/#{name}").delete_prefix("/")
  end

  # The checks and what serves FastCGI are told elsewhere.
  def sources
    Dir.glob("{*,memory/*,refork/*,worker/*}.rb", base: SCRIPTS)
  end

  # boot.rb has no such line: main.rb comes to it behind __END__.
  def test_each_line_of_the_drawing_is_a_file_that_the_one_above_requires
    assert_operator drawn.size, :>, 20
    assert_equal ["boot.rb", "main.rb"], drawn.first
    drawn.drop(1).each do |above, file|
      needed = source(above).scan(/^require_relative "([^"]+)"(?: # later)?$/).map { |name,| below(File.dirname(above), "#{name}.rb") }
      assert_includes needed, file, "#{above} does not call #{file}"
    end
  end

  def test_every_file_is_named
    named = section("Which file calls which").scan(%r{[\w/]+\.rb})
    assert_empty sources - named
    assert_empty named.reject { |file| file.start_with?("config/") || File.exist?(File.join(SCRIPTS, file)) }
  end

  # Where a method is named, it is there and leaves, or what it calls does.
  def test_every_exit_is_named
    table = section("Where a process leaves")
    leaving = sources.select { |file| source(file).gsub(/^ *#.*/, "").match?(/\bexit!|\bKernel\.exit\b/) }
    assert_empty leaving.reject { |file| table.include?("`#{file}`") }
    table.scan(%r{`([\w/]+\.rb)`, ((?:`\w+`(?: and )?)+)}).each do |file, methods|
      methods.scan(/\w+(?=`)/).each { |name| assert_match(/\bdef (?:self\.)?#{name}\b/, source(file), "#{file} has no #{name}") }
    end
  end
end
