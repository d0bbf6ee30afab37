# frozen_string_literal: true

module Launcher
  # What loading left behind that a fork does not carry over: threads, which only
  # the preloader has, and sockets, which every worker would share.
  class Inventory
    SHOWN = 20 # of each kind

    # Threads that their own libraries start again in a new process, but do not
    # mark as such.
    RESTARTED = ["Timeout stdlib thread", "Gem::Timeout stdlib thread"].freeze

    # A thread of concurrent-ruby before 1.2 that frees the slots of collected
    # thread locals. A worker without it keeps a few words for each.
    HARMLESS = %r{/concurrent/atomic/ruby_thread_local_var\.rb:\d+\z}.freeze

    def initialize(root, own:)
      @root = root.end_with?("/") ? root : "#{root}/"
      @own = own
    end

    def threads
      others = Thread.list - [Thread.main]
      # ActiveSupport and others mark threads that they start again themselves.
      others.reject! { |thread| thread.thread_variable_get(:fork_safe) || RESTARTED.include?(thread.name) }
      first(others.map { |thread| describe_thread(thread) }.grep_v(HARMLESS))
    end

    def sockets
      first(Dir.children("/proc/self/fd").map(&:to_i).sort.filter_map { |fd| describe_socket(fd) unless @own.include?(fd) })
    end

    private

    def first(lines)
      shown = lines.first(SHOWN)
      shown << "(#{lines.size - SHOWN} more)" if lines.size > SHOWN
      shown
    end

    # Names are the application's, and of any bytes; JSON takes only text.
    def utf8(text)
      text.dup.force_encoding(Encoding::UTF_8).scrub("?")
    end

    def describe_thread(thread)
      # inspect ends in the place where the thread began: #<Thread:0x… file:line state>
      place = utf8(thread.inspect)[/ (\S+:\d+) /, 1]
      name = utf8(thread.name || "thread")
      place ? "#{name} at #{place.delete_prefix(@root)}" : name
    end

    def describe_socket(fd)
      return unless File.readlink("/proc/self/fd/#{fd}").start_with?("socket:")
      socket = BasicSocket.for_fd(fd)
      socket.autoclose = false
      utf8("#{place(socket.local_address)} to #{peer(socket)}")
    rescue SystemCallError
      nil # it was closed meanwhile, or is of a family that has no addresses
    end

    def peer(socket)
      place(socket.remote_address)
    rescue Errno::ENOTCONN
      "nobody (listening or unconnected)"
    end

    def place(address)
      return address.inspect_sockaddr unless address.unix?
      address.unix_path.empty? ? "unnamed unix socket" : address.unix_path
    end
  end
end
