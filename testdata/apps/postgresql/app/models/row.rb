# frozen_string_literal: true

# The server itself notes in "backend" which of its processes has written a row.
class Row < ActiveRecord::Base
  # With the process of the server that reads it.
  scope :with_reader, -> { select("rows.*, pg_backend_pid() AS reader") }
end
