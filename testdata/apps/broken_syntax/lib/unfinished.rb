# frozen_string_literal: true

class Unfinished
  def call(_env)
    [200, { "content-type" => "text/plain" ["not reached\n"]]
  end
end
