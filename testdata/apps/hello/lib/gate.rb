# frozen_string_literal: true

# A file that a test makes when the application may go on, so that tests decide
# the order of things and never sleep. Gates lie in one folder, named by the
# environment; a name that could leave it is refused.
class Gate
  POLL = 0.01 # seconds; a file has no event that plain Ruby could wait for

  class Refused < ArgumentError; end

  def initialize(folder, name)
    raise Refused, "no folder for gates in the environment" if folder.to_s.empty?
    raise Refused, "bad gate name" unless /\A\w[\w.-]*\z/.match?(name.to_s)

    @path = File.join(folder, name)
  end

  def wait
    sleep POLL until File.exist?(@path)
  end
end
