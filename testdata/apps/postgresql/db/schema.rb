# frozen_string_literal: true

ActiveRecord::Schema.define(version: 2007_04_01_000000) do
  create_table :rows, force: true do |t|
    t.string :token, null: false, index: { unique: true }
    t.integer :worker, null: false
    t.integer :backend, null: false, default: -> { "pg_backend_pid()" }
  end
end
