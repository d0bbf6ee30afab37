# frozen_string_literal: true

# Workers die as soon as they are forked, for as long as the file exists.
after_fork { |_slot| exit!(5) if ENV["DIES_YOUNG"] && File.exist?(ENV["DIES_YOUNG"]) }
