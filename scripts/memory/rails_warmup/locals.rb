# frozen_string_literal: true

module PreforkLauncher
  class RailsWarmup
    # Learns which names a partial is rendered with, as far as the sources tell: from
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
        found.concat(record(name)) if found.empty? && plural?(folder, name)
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

      # The lists of arguments of: render a, b   and of: render(a, b)
      def arguments_of_render(node)
        case node.first
        when :command then list(node[2]) if render?(node[1])
        when :method_add_arg
          called, arguments = node.last(2)
          list(arguments[1]) if called.first == :fcall && render?(called[1]) && arguments.first == :arg_paren
        end
      end

      def render?(name)
        name.first(2) == [:@ident, "render"]
      end

      def list(arguments)
        arguments[1] if arguments.is_a?(Array) && arguments.first == :args_add_block && arguments[1].is_a?(Array)
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
        return unless node.is_a?(Array)

        content = node[1] if %i[string_literal symbol_literal].include?(node.first)
        token = content[1] if content.is_a?(Array) && content.size == 2
        token[1] if token.is_a?(Array) && token[1].is_a?(String)
      end

      # The pairs of a literal hash; nil where a key is computed.
      def pairs(node)
        return unless node.is_a?(Array)

        case node.first
        when :bare_assoc_hash then keys(node[1])
        when :hash then node[1] ? keys(node[1][1]) : {}
        end
      end

      def keys(list)
        list.to_h do |kind, key, value|
          name = key.first == :@label ? key[1].chomp(":") : text(key) if kind == :assoc_new
          name ? [name, value] : (return nil)
        end
      end
    end
  end
end
