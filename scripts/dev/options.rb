# frozen_string_literal: true

require "optparse"

# The options of the programs in this folder.
module Options
  PROGRAM = File.basename($PROGRAM_NAME)

  module_function

  # Reads the command line; a mistake in it ends the program with what is wrong, and how the program is used.
  def read(parser, into: nil)
    into ? parser.parse!(into: into) : parser.parse!
  rescue OptionParser::ParseError => error
    abort("#{PROGRAM}: #{error.message}\n#{parser.help}")
  end

  # Ends the program where one of these is not above zero.
  def positive(options, *names)
    names.each do |name|
      abort("#{PROGRAM}: --#{name} is more than 0, not #{options[name]}") unless options[name].positive?
    end
  end
end
