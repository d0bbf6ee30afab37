# frozen_string_literal: true

# Fifty posts, the same each time, with text that must be escaped or is not ASCII.
sentences = [
  "A process that was forked shares the memory of its parent until one of them writes to it.",
  "Ten copies of the same classes, routes & templates say nothing that one copy would not say.",
  "If a < b and b < c, then nobody is surprised; \"quoted\" text is no surprise either.",
  "Größe, naïveté, 日本語 and a snowman ☃ are text like any other.",
  "The parent loads, the children answer, and whoever falls over is replaced."
]

if Post.none?
  Post.transaction do
    1.upto(50) do |n|
      body = Array.new(6) { |i| sentences[(n + i) % sentences.size] }.join(" ")
      written = Time.utc(2007, 4, 1) + n.hours
      Post.create!(title: "Post <#{n}> & more", body: body, created_at: written, updated_at: written)
    end
  end
end
