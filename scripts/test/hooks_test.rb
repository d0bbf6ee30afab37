# frozen_string_literal: true

require "minitest"
require "tempfile"
require "hooks"
require "settings"

class HooksTest < Minitest::Test
  CALLS = [] # rubocop:disable Style/MutableConstant

  def load(text)
    CALLS.clear
    Tempfile.create("launcher.rb") do |file|
      file.write(text)
      file.flush
      @path = file.path
      PreforkLauncher::Hooks.new.load(file.path)
    end
  end

  def test_blocks_run_in_the_order_of_the_file
    hooks = load(<<~RUBY)
      after_fork { |slot| HooksTest::CALLS << [:first, slot] }
      before_fork { HooksTest::CALLS << :before }
      after_fork { |slot| HooksTest::CALLS << [:second, slot] }
    RUBY
    assert_empty CALLS
    hooks.after_fork(3)
    hooks.before_fork
    assert_equal [[:first, 3], [:second, 3], :before], CALLS
  end

  def test_no_hooks
    hooks = PreforkLauncher::Hooks.new
    assert_empty hooks.before_fork
    assert_empty hooks.after_fork(0)
  end

  # The launcher has classes called File and Settings itself.
  def test_constants_are_the_applications
    hooks = load("before_fork { HooksTest::CALLS << File << (defined?(Settings) || :none) }\nHooksTest::CALLS << File")
    hooks.before_fork
    assert_equal [::File, ::File, :none], CALLS
  end

  def test_methods_of_the_file
    load("def helper(name)\n  HooksTest::CALLS << name\nend\nbefore_fork { helper(:called) }").before_fork
    assert_equal [:called], CALLS
  end

  def test_a_hook_without_a_block
    error = assert_raises(ArgumentError) { load("\n\nbefore_fork") }
    assert_equal "before_fork needs a block", error.message
    assert_includes error.backtrace.join("\n"), "#{@path}:3:"
    assert_raises(ArgumentError) { load("after_fork") }
  end

  def test_text_is_utf8_and_failures_name_the_line
    assert_equal "ü", load("# frozen_string_literal: true\nHooksTest::CALLS << 'ü'") && CALLS.first
    error = assert_raises(RuntimeError) { load("before_fork { }\nraise 'no'") }
    assert error.backtrace.first.start_with?("#{@path}:2:"), error.backtrace.first
    assert_raises(SyntaxError) { load("before_fork do") }
  end
end
