# frozen_string_literal: true

5_000.times do |n|
  $stdout.puts "out #{n}: loading one more of the many things that this application loads"
  $stderr.puts "err #{n}: loading one more of the many things that this application loads"
end

run ->(_env) { [200, { "content-type" => "text/plain" }, ["quiet now\n"]] }
