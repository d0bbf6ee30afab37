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

  # Each takes it that could use it, and what follows waits, too.
  def test_a_spare_runs_what_takes_a_slot_once_it_has_one
    { "|slot|" => [3], "|slot = 0|" => [3], "|*slots|" => [[3]], "|slot, other = 1|" => [3] }.each do |parameters, taken|
      name = parameters[/[a-z]+/]
      hooks = load("after_fork { HooksTest::CALLS << 1 }\nafter_fork { #{parameters} HooksTest::CALLS << #{name} }\n" \
                   "after_fork { HooksTest::CALLS << 2 }")
      hooks.after_fork(nil)
      assert_equal [1], CALLS, parameters
      hooks.slot_given(3)
      assert_equal [1, *taken, 2], CALLS, parameters
    end
  end

  def test_no_hooks
    hooks = PreforkLauncher::Hooks.new
    assert_empty hooks.before_fork
    assert_empty hooks.after_fork(0)
  end

  # The launcher has a class called Settings itself.
  def test_constants_are_the_applications
    hooks = load("before_fork { HooksTest::CALLS << File << (defined?(Settings) || :none) }\nHooksTest::CALLS << File")
    hooks.before_fork
    assert_equal [::File, ::File, :none], CALLS
  end

  class Opened; end

  # As in any file of the application.
  def test_classes_that_it_opens_and_constants_that_it_defines
    hooks = load(<<~RUBY)
      class HooksTest::Opened
        def answer
          HOOKS_TEST_ANSWER
        end
      end
      class HooksTestHelper; end
      HOOKS_TEST_ANSWER = 42
      before_fork { HooksTest::CALLS << HooksTest::Opened.new.answer << HooksTestHelper.name }
    RUBY
    hooks.before_fork
    assert_equal [42, "HooksTestHelper"], CALLS
    assert_equal 42, ::HOOKS_TEST_ANSWER
  ensure
    %i[HOOKS_TEST_ANSWER HooksTestHelper].each { |name| Object.send(:remove_const, name) if Object.const_defined?(name, false) }
  end

  def test_nothing_of_it_stays_behind
    load("local = 1\ndef hooks_test_method; end\n@hooks_test = local\nHooksTest::CALLS << binding.local_variables")
    assert_equal [:local], CALLS.last - TOPLEVEL_BINDING.local_variables, "it sees variables of the launcher"
    assert_empty TOPLEVEL_BINDING.local_variables & %i[local text path]
    refute_respond_to TOPLEVEL_BINDING.receiver, :hooks_test_method, true
    refute TOPLEVEL_BINDING.receiver.instance_variable_defined?(:@hooks_test)
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
