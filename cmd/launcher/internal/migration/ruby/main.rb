# frozen_string_literal: true

require_relative "server_file"

path, root, environment = ARGV
source = DATA.read.force_encoding(Encoding::UTF_8)
$stdout.write(JSON.generate(PreforkLauncher::ServerFile.new(source, path, root, environment).read))
