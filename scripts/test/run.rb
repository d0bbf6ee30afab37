# frozen_string_literal: true

# Runs every test of the Ruby side: ruby -w -Iscripts scripts/test/run.rb [minitest options]
# Each file has a process of its own, as many at once as there are CPUs: no test finds what those of another
# file have left behind. What a file prints is shown where it fails.
scripts = File.expand_path("..", __dir__)
# By its whole path: a frame of a relative one would be the application's to what tells those apart.
exec(RbConfig.ruby, "-w", "-I#{scripts}", File.expand_path(__FILE__), *ARGV) unless File.absolute_path?($PROGRAM_NAME)

require "etc"
require "minitest"
require "tempfile"

class TestRun
  COUNTS = %w[runs assertions failures errors skips].freeze
  SUMMARY = /^#{COUNTS.map { |name| "(\\d+) #{name}" }.join(", ")}$/.freeze

  def initialize(files, options)
    @waiting = files
    @options = options
    @running = {}
    @counts = COUNTS.map { 0 }
    @failed = []
  end

  # Whether all has passed.
  def run
    until @waiting.empty? && @running.empty?
      start(@waiting.shift) until @waiting.empty? || @running.size == Etc.nprocessors
      finish(*Process.wait2)
    end
    puts @counts.zip(COUNTS).map { |pair| pair.join(" ") }.join(", ")
    puts "failed: #{@failed.sort.join(' ')}" unless @failed.empty?
    @failed.empty? && @counts.first.positive?
  end

  private

  def start(file)
    output = Tempfile.new("launcher-test")
    pid = Process.fork do
      $stdout.reopen(output)
      require file
      exit(Minitest.run(@options.dup))
    end
    @running[pid] = [file, output]
  end

  def finish(pid, status)
    file, output = @running.delete(pid)
    text = File.read(output.path)
    output.close!
    counts = text.scan(SUMMARY).last&.map(&:to_i)
    @counts = @counts.zip(counts).map(&:sum) if counts
    return if counts && status.success?

    @failed << File.basename(file)
    puts "#{File.basename(file)}: #{status}", text
  end
end

# No plugin of a gem that is installed here says how tests run.
ENV["MT_NO_PLUGINS"] = "yes"
# The large ones first: a long one that began last would run alone.
files = Dir[File.join(__dir__, "*_test.rb")].sort_by { |file| -File.size(file) }
exit(TestRun.new(files, ARGV).run)
