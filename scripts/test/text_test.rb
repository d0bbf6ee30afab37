# frozen_string_literal: true

require "minitest"
require "text"

class TextTest < Minitest::Test
  Text = PreforkLauncher::Text

  {
    "C0" => ["a\e[31mb\0c\rd\a", 'a\u001b[31mb\u0000c\u000dd\u0007'],
    "DEL and C1" => ["a\u007f\u009b31m\u0085", 'a\u007f\u009b31m\u0085'],
    "writing direction" => ["a\u202eb\u2066c\u200f\u061c", 'a\u202eb\u2066c\u200f\u061c'],
    "line separators" => ["a\u2028b\u2029", 'a\u2028b\u2029'],
    "invisible characters" => ["\ufeffa\u200bb\u{e0041}", '\ufeffa\u200bb\U000e0041'],
    "lines" => ["a\n\tb\r\nc", "a\n\tb\nc"],
    "letters" => ["größer 語 😀", "größer 語 😀"],
    "bytes that are no character" => ["a\xff\xc3".b, "a??"],
    "UTF-8 that nobody called so" => ["ü".b, "ü"],
    "another encoding" => ["ü\e".encode("UTF-16LE"), 'ü\u001b'],
    "an encoding without a converter" => ["a+b".dup.force_encoding("UTF-7"), "a+b"],
    "no string" => [nil, ""], "a symbol" => [:a, "a"]
  }.each do |name, (given, expected)|
    define_method("test_#{name}") { assert_equal expected, Text.printable(given) }
  end

  def test_line
    assert_equal 'a\u000a\u0009b\u000a', Text.line("a\n\tb\r\n")
  end

  def test_what_is_cut_says_so
    assert_equal "abc (cut: 4 bytes)", Text.printable("abcd", 3)
    assert_equal "abcd", Text.printable("abcd", 4)
    assert_equal "ü (cut: 4 bytes)", Text.line("üü", 3)
  end

  def test_error
    assert_equal "RuntimeError: größer?", Text.error(RuntimeError.new("größer\xff".b))
    assert_equal "RuntimeError: größer", Text.error(RuntimeError.new("größer".encode("UTF-16LE")))
    type = Class.new(StandardError) { define_method(:message) { raise NotImplementedError } }
    assert_match(/\A#<Class:0x\h+>: \(its message raised NotImplementedError\)\z/, Text.error(type.new))
    type.define_singleton_method(:to_s) { raise "no name" }
    assert_match(/\A\(its class raised RuntimeError\): /, Text.error(type.new))
  end

  def test_the_given_is_left_alone
    given = "\xff".b.freeze
    Text.printable(given)
    assert_equal ["\xff".b, Encoding::BINARY], [given, given.encoding]
  end

  def test_the_head_has_whole_characters
    assert_equal ["aü", "a", "", "aüb"], [3, 2, 0, 4].map { |limit| Text.head("aüb", limit) }
  end
end
