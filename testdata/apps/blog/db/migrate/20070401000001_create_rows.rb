# frozen_string_literal: true

class CreateRows < ActiveRecord::Migration[ActiveRecord::Migration.current_version]
  def change
    create_table :rows do |t|
      t.string :token, null: false
    end
  end
end
