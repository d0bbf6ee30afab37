# frozen_string_literal: true

# Raises while the application loads, two frames below config.ru.
class Settings
  class Missing < StandardError; end

  def application
    key = fetch("PAYMENT_KEY")
    ->(_env) { [200, { "content-type" => "text/plain" }, [key]] }
  end

  private

  def fetch(name)
    raise Missing, "no setting called #{name}"
  end
end
