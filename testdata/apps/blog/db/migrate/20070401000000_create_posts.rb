# frozen_string_literal: true

class CreatePosts < ActiveRecord::Migration[ActiveRecord::Migration.current_version]
  def change
    create_table :posts do |t|
      t.string :title, null: false
      t.text :body, null: false
      t.timestamps
    end
  end
end
