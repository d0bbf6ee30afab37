# frozen_string_literal: true

# One line for each call: the hook, what it was called with, and the process. A
# line is one short write in append mode, so that workers do not mix theirs.
note = lambda do |hook, *arguments|
  line = [hook, *arguments.map(&:inspect), "pid=#{Process.pid}"].join(" ")
  File.open(ENV.fetch("HOOKS_LOG"), "a") { |log| log.syswrite("#{line}\n") }
end

before_fork { |*arguments| note.call("before_fork", *arguments) }
after_fork { |*arguments| note.call("after_fork", *arguments) }
