# frozen_string_literal: true

require_relative "finding"
require_relative "holders"

module PreforkLauncher
  # Finds sockets, and files that are written, that loading left open: every worker would share
  # them, with one stream of bytes and one position in the file for all.
  class DescriptorCheck
    FOLDER = "/proc/self/fd"
    STANDARD = [0, 1, 2].freeze # the launcher's own, whatever they are: a service of systemd has sockets there
    ACCESS = 3 # O_ACCMODE, for which Ruby has no name
    FILENO = IO.instance_method(:fileno)

    # Clients that keep their socket in C, with the method that returns its descriptor.
    CLIENTS = { "PG::Connection" => :socket, "Mysql2::Client" => :socket }.freeze

    def initialize(context)
      @context = context
    end

    def findings
      open = Dir.children(FOLDER).map(&:to_i).sort - STANDARD - @context.own
      found = open.to_h { |fd| [fd, socket(fd) || file(fd)] }.compact
      objects = found.empty? ? {} : objects_of(found.keys)
      owners = @context.thorough? ? Holders.new(objects).names : {}
      found.map { |fd, (what, target, text)| finding(what, target, text, objects[fd], owners) }
    end

    private

    def finding(what, target, text, object, owners)
      owner = object.is_a?(IO) ? owners[object] : object&.class&.name
      text = "#{text}, held by #{owner}" if owner
      where = @context.thorough? && object ? allocated(object) : ""
      return shared_file(text, where) if what == :file

      Finding.new("harm", "socket", "#{@context.who} opened a socket that all workers would share: #{text}", where: where, subject: target,
                  cost: "two workers that use it at once get each other's answers",
                  advice: "connect again in after_fork (config/launcher.rb), or not before the first request")
    end

    def shared_file(text, where)
      text = "#{@context.who} opened a file for writing, not for appending, that all workers would share: #{text}"
      Finding.new("harm", "file", text, where: where,
                  cost: "the workers move each other's place in it, and their writes mix",
                  advice: 'open it with mode "a" (a log), or in after_fork (config/launcher.rb)')
    end

    def socket(fd)
      target = File.readlink("#{FOLDER}/#{fd}")
      return unless target.start_with?("socket:")

      socket = BasicSocket.for_fd(fd)
      socket.autoclose = false
      [:socket, target, "#{place(socket.local_address)} to #{peer(socket)}"]
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

    # Returns a file that is open for writing. A log that is appended to may be shared: each line is one write at the
    # end (open(2), O_APPEND).
    def file(fd)
      return unless File.stat("#{FOLDER}/#{fd}").file?

      flags = File.read("/proc/self/fdinfo/#{fd}")[/^flags:\s*([0-7]+)/, 1].to_i(8)
      return if flags & ACCESS == File::RDONLY || flags & File::APPEND != 0

      target = File.readlink("#{FOLDER}/#{fd}")
      [:file, target, @context.relative(target)]
    rescue SystemCallError
      nil # closed meanwhile
    end

    # Returns the Ruby objects of descriptors, by their numbers.
    def objects_of(numbers)
      objects = {}
      CLIENTS.each do |name, method|
        client = @context.constant(name)
        ObjectSpace.each_object(client) { |object| note(objects, numbers, object) { object.public_send(method) } } if client
      end
      # Objects that were made above to read addresses are left out: those are
      # marked not to close.
      ObjectSpace.each_object(IO) do |io|
        note(objects, numbers, io) { FILENO.bind(io).call if io.autoclose? }
      end
      objects
    end

    def note(objects, numbers, object)
      number = yield
      objects[number] ||= object if numbers.include?(number)
    rescue StandardError
      nil # closed, or never connected: each client has an exception of its own for it
    end

    def allocated(object)
      file = ObjectSpace.allocation_sourcefile(object)
      file ? @context.relative("#{file}:#{ObjectSpace.allocation_sourceline(object)}") : ""
    end
  end
end
