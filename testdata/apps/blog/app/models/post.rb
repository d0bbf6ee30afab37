# frozen_string_literal: true

class Post < ApplicationRecord
  validates :title, :body, presence: true

  scope :newest_first, -> { order(id: :desc) }
  scope :mentioning, ->(word) { where("title LIKE :word OR body LIKE :word", word: "%#{sanitize_sql_like(word)}%") }
end
