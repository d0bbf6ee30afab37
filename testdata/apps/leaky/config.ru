# frozen_string_literal: true

# Keeps memory for as long as the process lives: what each request asks for, for ever.
# Written bytes, so that they are in memory and not only promised.
kept = []
gates = ENV["LEAKY_GATES"]

run(lambda { |env|
  query = env["QUERY_STRING"].to_s.split("&").to_h { |pair| pair.split("=", 2) }
  kept << ("k" * (query.fetch("kilobytes", "1").to_i.clamp(0, 1 << 20) * 1024))
  if (gate = query["gate"])
    sleep 0.005 until File.exist?(File.join(gates, File.basename(gate)))
  end
  body = "#{Process.pid}\n"
  [200, { "content-type" => "text/plain", "content-length" => body.bytesize.to_s }, [body]]
})
