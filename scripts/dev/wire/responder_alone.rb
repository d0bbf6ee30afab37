# frozen_string_literal: true

# Serves with the responder of scripts/fastcgi and nothing of the worker around it: ruby responder_alone.rb SCRIPTS SOCKET
# With WARM COUNT REPORT behind that it counts what requests allocate, and ends: after WARM of them objects in COUNT requests, and in
# as many others what the objects are and where they come from.

require "json"
require "objspace"
require "socket"

# A responder behind a socket.
class ResponderAlone
  def initialize(scripts, path)
    require File.join(scripts, "fastcgi/responder")
    require File.expand_path("../../../testdata/apps/wire/wire", __dir__)
    PreforkLauncher::FastCGI.require_libraries
    @responder = PreforkLauncher::FastCGI::Responder.new(Wire.new, errors: $stderr)
    @listener = UNIXServer.new(path)
    @listener.listen(1024)
  end

  def serve
    @responder.serve(@listener.accept)
  end

  # Returns how many objects a request allocates.
  def objects
    socket = @listener.accept
    before = GC.stat(:total_allocated_objects)
    @responder.serve(socket)
    GC.stat(:total_allocated_objects) - before
  end

  # Returns how many objects of which class each line allocates in so many requests, and their bytes at the end. That needs everything
  # to be there still.
  def places(count)
    ObjectSpace.trace_object_allocations { count.times { serve } }
    found = Hash.new { |all, place| all[place] = [0, 0] }
    ObjectSpace.each_object(Object) do |object|
      file = ObjectSpace.allocation_sourcefile(object)
      next if file.nil? || file == __FILE__

      place = found["#{object.class} #{file[%r{[^/]+/[^/]+\z}]}:#{ObjectSpace.allocation_sourceline(object)}"]
      place[0] += 1
      place[1] += ObjectSpace.memsize_of(object)
    end
    found
  end
end

scripts, path, warm, count, report = ARGV
alone = ResponderAlone.new(scripts, path)
loop { alone.serve } unless report

warm.to_i.times { alone.serve }
GC.start
GC.disable
count = count.to_i
told = { "requests" => count, "objects" => Array.new(count) { alone.objects }.sum, "places" => alone.places(count) }
File.write(report, JSON.generate(told))
