# frozen_string_literal: true

module PreforkLauncher
  # Tells the kernel whom to end where memory is short: a worker, which is replaced by a fork, never the launcher or a preloader.
  #
  # A process may always raise its score, and what it starts inherits that. It may lower it again to what somebody privileged
  # has set last (proc(5)), which is the launcher's: so a preloader that is forked from a worker takes back what the one before
  # it had (ProcessState).
  module OOMScore
    FILE = "/proc/self/oom_score_adj"
    STEP = 200 # a worker counts as if it had a fifth of the memory more
    MAX = 1000

    # Raises the score of a worker above that of the launcher; nil: nobody has said what that is. One that the application has
    # chosen higher stays.
    def self.raise_above(launcher)
      return unless launcher

      own = File.read(FILE).to_i
      wanted = [[own, launcher + STEP].max, MAX].min
      File.write(FILE, wanted.to_s) unless wanted == own
    rescue SystemCallError
      nil # a container may not show it: then the kernel chooses by size alone
    end
  end
end
