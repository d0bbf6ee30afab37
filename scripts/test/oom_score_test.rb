# frozen_string_literal: true

require "minitest"
require "oom_score"

class OOMScoreTest < Minitest::Test
  FILE = "/proc/self/oom_score_adj"

  # What a process has, which is told by a child: nobody may lower his own below what he began with.
  def in_child
    reader, writer = IO.pipe
    pid = fork do
      reader.close
      writer.write(Marshal.dump(yield))
      writer.close
      exit!(0)
    end
    writer.close
    Marshal.load(reader.read)
  ensure
    Process.wait(pid)
  end

  def own
    Integer(File.read(FILE))
  end

  def before
    @before ||= own
  end

  def test_worker_is_above_the_launcher_with_all_that_it_starts
    base = before
    scores = in_child do
      PreforkLauncher::OOMScore.raise_above(base)
      [own, in_child { own }]
    end
    assert_equal [[base + 200, 1000].min] * 2, scores
  end

  def test_process_may_lower_it_again_to_what_it_began_with
    base = before
    lowered = in_child do
      PreforkLauncher::OOMScore.raise_above(base)
      in_child { File.write(FILE, base.to_s) && own }
    end
    assert_equal base, lowered
  end

  def test_score_that_the_application_has_chosen_stays
    base = before
    chosen = in_child do
      File.write(FILE, "1000")
      PreforkLauncher::OOMScore.raise_above(base)
      own
    end
    assert_equal 1000, chosen
  end

  def test_score_has_an_upper_bound
    assert_equal(1000, in_child { PreforkLauncher::OOMScore.raise_above(900) && own })
  end

  def test_nothing_is_done_where_nobody_has_said_what_the_launcher_has
    assert_equal(before, in_child { PreforkLauncher::OOMScore.raise_above(nil) || own })
  end
end
