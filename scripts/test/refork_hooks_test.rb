# frozen_string_literal: true

require_relative "support/refork_case"

# Hooks and exit handlers where a worker forks the next preloader.
class ReforkHooksTest < ReforkCase
  def test_hooks
    worker = start(hooks: "before_fork { NOTE.call(:before) }\nafter_fork { |slot| NOTE.call(\"after \#{slot}\") }")
    preloader = refork_from(worker)
    get # the worker has its hooks behind it
    next_worker = spawn_worker(preloader, refork: 1)
    assert_equal ["before #{@preloader.pid}", "after 2 #{worker.pid}", "before #{worker.pid}", "after 2 #{worker.pid}",
                  "before #{preloader.pid}", "after 2 #{next_worker.pid}"], notes
  end

  # after_fork alone has nothing to do again.
  def test_hooks_without_before
    worker = start(hooks: "after_fork { |slot| NOTE.call(slot) }")
    refork_from(worker)
    get
    assert_equal ["2 #{worker.pid}"], notes
  end

  # What its hooks leave behind they leave in each worker, also in one that had no slot when it was forked.
  def test_hooks_of_a_spare_are_no_harm
    first = start(hooks: "before_fork { NOTE.call(:before) }\nafter_fork { |slot| ($locks ||= []) << Mutex.new.tap(&:lock); " \
                         "$pipe = IO.pipe; NOTE.call(slot) }")
    leave(first)
    spare = spawn_spare(@preloader)
    preloader = refork_from(spare)
    next_spare = spawn_spare(preloader, refork: 1)
    assert_equal ["before #{@preloader.pid}", "2 #{first.pid}", "before #{@preloader.pid}", "2 #{spare.pid}", "before #{spare.pid}",
                  "2 #{spare.pid}", "before #{preloader.pid}", "2 #{next_spare.pid}"], notes
  end

  # It would take milliseconds for each, in which nobody serves the slot.
  def test_no_walk_over_the_heap_before_a_worker_serves
    first = start(at_boot: <<~'RUBY', hooks: "after_fork { |slot| slot }")
      counted = Module.new { define_method(:each_object) { |*of, &block| NOTE.call("each_object #{of}"); super(*of, &block) } }
      ObjectSpace.singleton_class.prepend(counted)
    RUBY
    spare = spawn_spare(@preloader)
    assert_equal 200, get.first
    assert_empty notes.grep(/ (?:#{first.pid}|#{spare.pid})\z/)
    refute_empty notes.grep(/ #{@preloader.pid}\z/)
  end

  def test_hook_before_that_fails
    worker = start(hooks: "forks = 0\nbefore_fork { raise IndexError, 'no such thing' if (forks += 1) > 1 }\n" \
                          "after_fork { NOTE.call(:after) }")
    told = refused(worker)
    assert_equal [[], "IndexError", "no such thing"], [told[:findings], *told[:error].values_at(:class, :message)]
    assert_equal [200, "1 "], get
    assert_equal ["after #{worker.pid}"] * 2, notes
  end

  # As at a worker's start. The reforked preloader is not concerned.
  def test_hook_after_that_fails
    worker = start(hooks: "forks = 0\nbefore_fork {}\nafter_fork { raise IndexError, 'no such thing' if (forks += 1) == 2 }")
    control = ask(worker)
    loaded = said(control)
    assert_equal "loaded", loaded[:type]
    @pids << loaded[:pid]
    assert_equal({ type: "leaving", **worker.key, served: 0 }, said(worker.socket))
    assert_nil said(worker.socket)
    eventually { !alive?(worker.pid) }
    assert_match(/worker slot=2 stopped serving: .*no such thing/, log)
    assert alive?(loaded[:pid])
  end

  def test_exit_handlers_run_in_the_last_preloader
    worker = start(at_boot: "at_exit { NOTE.call(:bye) }")
    preloader = refork_from(worker)
    leave(worker)
    tell(@preloader.socket, "retire", last: false)
    eventually { !alive?(@preloader.pid) }
    assert_empty notes
    next_worker = spawn_worker(preloader, refork: 1)
    leave(next_worker)
    tell(preloader.socket, "retire", last: true)
    eventually { !alive?(preloader.pid) }
    assert_equal ["bye #{preloader.pid}"], notes
    assert_nil said(preloader.socket)
  end

  # A worker has run its own by then, a hook's, then a request's; they are none of those forked from it.
  def test_exit_handlers_of_workers
    worker = start('{ "/register" => -> { at_exit { NOTE.call(:request) }; at_exit(&$stderr.method(:flush)); at_exit(&method(:note)) } }',
                   at_boot: "def note; NOTE.call(:method); end\nat_exit { NOTE.call(:boot) }",
                   hooks: "after_fork { at_exit { NOTE.call(:hook) } }")
    get("/register")
    preloader = refork_from(worker)
    leave(worker)
    own = %w[method request hook].map { |name| "#{name} #{worker.pid}" }
    assert_equal own, notes
    next_worker = spawn_worker(preloader, refork: 1)
    get("/register")
    assert_equal 200, said(next_worker.socket)[:status]
    second = refork_from(next_worker, refork: 2)
    leave(next_worker)
    own.concat(%w[method request hook].map { |name| "#{name} #{next_worker.pid}" })
    assert_equal own, notes
    { preloader => true, second => true }.each do |each, last|
      tell(each.socket, "retire", last: last)
      eventually { !alive?(each.pid) }
      own << "boot #{each.pid}"
      assert_equal own, notes
    end
  end

  # As in a preloader that was started, whoever sends it.
  def test_exit_handlers_run_on_a_signal
    worker = start(at_boot: "at_exit { NOTE.call(:bye) }\nSignal.trap('TERM') { NOTE.call(:trapped) }")
    preloader = refork_from(worker)
    Process.kill("TERM", preloader.pid)
    eventually { !alive?(preloader.pid) }
    assert_equal ["bye #{preloader.pid}"], notes
    assert_equal [200, "1 "], get
  end
end
