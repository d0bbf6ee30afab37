# frozen_string_literal: true

require "json"
require "socket"
require "timeout"
require_relative "ruby_process"

# The supervisor's side of a process of the launcher, which the test plays: the channel, and what /proc says of the process.
module SupervisorSide
  include RubyProcess

  # What boot.rb does, without the program on a descriptor.
  BOOT = <<~RUBY
    module PreforkLauncher
      CONTROL_FD = 4
      SCOREBOARD_FD = 5
      STDERR_FD = 6
      SLOT_FDS = [7, 8, 9].freeze
    end
    require "main"
    PreforkLauncher.main(Marshal.load(ARGV[0].unpack1("m")))
  RUBY

  # Starts a Ruby that leads a session and has these descriptors, by number, as the supervisor starts one. Returns its pid.
  def start_ruby(settings, descriptors)
    given = descriptors.map { |number, io| "#{number} => #{io.fileno}" }.join(", ")
    inherited = descriptors.values.to_h { |io| [io.fileno, io.fileno] }
    Process.spawn(clean, RbConfig.ruby, "-e", "Process.setsid; exec(*ARGV, #{given}, close_others: true)",
                  RbConfig.ruby, "-I#{RubyProcess::SCRIPTS}", "-e", BOOT, [Marshal.dump(settings)].pack("m0"),
                  { 0 => File::NULL, **inherited })
  end

  # The next message over a channel; nil at its end.
  def said(socket)
    packet = Timeout.timeout(120) { socket.recv(1 << 20) }
    JSON.parse(packet, symbolize_names: true) unless packet.nil? || packet.empty?
  end

  def tell(socket, type, *files, **fields)
    rights = files.empty? ? [] : [Socket::AncillaryData.unix_rights(*files)]
    socket.sendmsg(JSON.generate({ type: type, **fields }), 0, nil, *rights)
  end

  # What the supervisor sends for a slot: the listener and both ends of the slot's handover, which is made once.
  def slot_files(listener)
    @handovers = {} unless defined?(@handovers)
    [listener, *(@handovers[listener] ||= UNIXSocket.pair(:SEQPACKET))]
  end

  def close_handovers
    @handovers.each_value { |pair| pair.each(&:close) } if defined?(@handovers)
  end

  # The same as a worker has it that serves in this process, with descriptors of its own.
  def slot_sockets(listener)
    PreforkLauncher::SlotSockets.new(slot_files(listener).map(&:dup))
  end

  def eventually
    Timeout.timeout(120) { sleep(0.005) until yield }
  end

  # How a child of the test ended: its status, or the name of a signal.
  def exit_of(pid)
    _, status = Timeout.timeout(120) { Process.wait2(pid) }
    status.exitstatus || "SIG#{Signal.signame(status.termsig)}"
  end

  # Ends a child of the test that has not ended as it should.
  def end_child(pid)
    Process.kill("KILL", pid)
    Process.wait(pid)
  rescue Errno::ESRCH, Errno::ECHILD
    nil
  end

  # A zombie is not: who reaps it need not be the test.
  def alive?(pid)
    !File.read("/proc/#{pid}/stat").match?(/\) Z /)
  rescue Errno::ENOENT, Errno::ESRCH
    false
  end

  def title(pid)
    File.read("/proc/#{pid}/cmdline").tr("\0", " ").strip
  end
end
