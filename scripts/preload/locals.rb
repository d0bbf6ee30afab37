# frozen_string_literal: true

module Launcher
  class Preload
    # Which names a partial is rendered with, as far as the sources tell: from
    #
    #   render "form", post: @post
    #   render partial: "shared/menu", locals: { items: items }
    #   render partial: "post", collection: @posts, as: :entry
    #
    # What is computed (render @posts, render partial: name) is not seen.
    class Locals
      OPTIONS = %w[partial object collection as locals].freeze
      COLLECTION = ["", "_counter", "_iteration"].freeze

      def initialize
        require "ripper" # comes with Ruby and is no gem
        @found = Hash.new { |found, partial| found[partial] = [] }
      end

      # Ruby's own source, or what a template became.
      def learn(source)
        return unless source.include?("render")
        tree = Ripper.sexp(source)
        walk(tree) if tree
      end

      # The sets of names for one partial. A bare name says nothing of the folder.
      def of(folder, name)
        found = @found.fetch("#{folder}/#{name}", []) + @found.fetch(name, [])
        found.concat(record(name)) if found.empty? && folder.end_with?(name) | plural?(folder, name)
        found << [] if found.empty?
        found.uniq
      end

      private

      def plural?(folder, name)
        File.basename(folder) == ::ActiveSupport::Inflector.pluralize(name)
      end

      # render @post and render @posts
      def record(name)
        [[name], COLLECTION.map { |ending| name + ending }]
      end

      def walk(node)
        arguments = arguments_of_render(node)
        note(arguments) if arguments
        node.each { |child| walk(child) if child.is_a?(Array) }
      end

      def arguments_of_render(node)
        case node
        in [:command, [:@ident, "render", _], [:args_add_block, Array => list, _]] then list
        in [:method_add_arg, [:fcall, [:@ident, "render", _]], [:arg_paren, [:args_add_block, Array => list, _]]] then list
        else nil
        end
      end

      def note(list)
        first, second = list
        if (partial = text(first))
          pairs = second ? pairs(second) : {}
          add(partial, pairs.keys) if pairs
        elsif (options = pairs(first)) && (partial = text(options["partial"]))
          locals = options.key?("locals") ? pairs(options["locals"]) : {}
          add(partial, locals.keys + own(partial, options)) if locals
        end
      end

      # What render adds for an object or a collection.
      def own(partial, options)
        name = text(options["as"]) || File.basename(partial)
        return COLLECTION.map { |ending| name + ending } if options.key?("collection")
        options.key?("object") ? [name] : []
      end

      def add(partial, names)
        @found[partial] |= [names.sort]
      end

      # The text of a literal string or symbol.
      def text(node)
        case node
        in [:string_literal, [:string_content, [:@tstring_content, String => text, _]]] then text
        in [:symbol_literal, [:symbol, [_, String => text, _]]] then text
        else nil
        end
      end

      # The pairs of a literal hash; nil where a key is computed.
      def pairs(node)
        case node
        in [:bare_assoc_hash, Array => list] then keys(list)
        in [:hash, [:assoclist_from_args, Array => list]] then keys(list)
        in [:hash, nil] then {}
        else nil
        end
      end

      def keys(list)
        list.to_h do |pair|
          case pair
          in [:assoc_new, [:@label, String => label, _], value] then [label.chomp(":"), value]
          in [:assoc_new, key, value] then [text(key) || (return nil), value]
          else return nil
          end
        end
      end
    end
  end
end
