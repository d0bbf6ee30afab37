# frozen_string_literal: true

after_fork { |slot| raise "hook failed in slot #{slot}" }
