# frozen_string_literal: true

require "minitest"
require "active_support"
require "active_support/inflector"
require "memory/rails_warmup"

class RailsWarmupLocalsTest < Minitest::Test
  RENDERED = {
    %(render "form", post: @post, url: "/") => ["posts", "form", [%w[post url]]],
    %(render("shared/form", "post" => @post)) => ["shared", "form", [%w[post]]],
    %(render partial: "menu") => ["posts", "menu", [[]]],
    %(render partial: "menu", locals: { :items => items, depth: 2 }) => ["posts", "menu", [%w[depth items]]],
    %(render partial: "row", collection: rows) => ["posts", "row", [%w[row row_counter row_iteration]]],
    %(render partial: "row", collection: rows, as: :entry, locals: {}) => ["posts", "row", [%w[entry entry_counter entry_iteration]]],
    %(render partial: "row", object: row) => ["posts", "row", [%w[row]]],
    %(link_to(render("form", a: 1)) { render "form", b: 2 }) => ["posts", "form", [%w[a], %w[b]]]
  }.freeze

  COMPUTED = [%(render @post), %(render "form", **rest), %(render "form", key => 1), %(render name, post: 1),
              %(render partial: "menu", locals: all),
              %(render "a\#{b}"), %(render), %(render(&block)), %(render [), %(self.render :form),
              "render partial: \"menu\", locals: { a: 1, **b }"].freeze

  def test_what_is_said
    RENDERED.each do |source, (folder, name, sets)|
      locals = PreforkLauncher::RailsWarmup::Locals.new
      locals.learn(source)
      assert_equal sets, locals.of(folder, name).map(&:sort), source
    end
  end

  def test_what_is_computed_is_not_guessed
    COMPUTED.each do |source|
      locals = PreforkLauncher::RailsWarmup::Locals.new
      locals.learn(source)
      %w[form menu].each { |name| assert_equal [[]], locals.of("posts", name), source }
    end
  end

  def test_a_partial_that_is_called_like_its_folder_is_for_records
    locals = PreforkLauncher::RailsWarmup::Locals.new
    assert_equal [%w[post], %w[post post_counter post_iteration]], locals.of("admin/posts", "post")
    locals.learn(%(render "posts/post", entry: 1))
    assert_equal [%w[entry]], locals.of("posts", "post")
  end
end
