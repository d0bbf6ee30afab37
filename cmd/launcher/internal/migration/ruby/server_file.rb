# frozen_string_literal: true

require "json"
require "ripper"
require_relative "expressions"

module PreforkLauncher
  # The file of another server's settings, taken apart without running any of it: what it calls, with the values
  # that can be known. It is the application's own code, but doctor may run on another machine than the site, and
  # such files read secrets, write pids and open sockets.
  class ServerFile
    include Expressions

    def initialize(source, path, root, environment)
      @source = source
      @lines = source.scrub.lines # a comment may be in another encoding
      @path = path
      @root = root
      @environment = environment
      @locals = {}
      @calls = []
      @unread = []
      @condition = nil
    end

    def read
      tree = Ripper.sexp(@source)
      return { error: "it is no Ruby that #{RUBY_VERSION} can read" } unless tree

      statements(tree[1])
      { calls: @calls, unread: @unread }
    end

    private

    def statements(list)
      Array(list).each { |node| statement(node) }
    end

    def statement(node)
      return unless node.is_a?(Array)

      case node[0]
      when :void_stmt, :@comment then nil
      when :command, :vcall, :fcall, :method_add_arg, :method_add_block then call(node)
      when :assign then assign(node[1], evaluate(node[2])) || pass(node)
      when :opassign then assign(node[1], operator_assigned(node)) || pass(node)
      when :if, :elsif then branch(node[1], node, node[2], node[3])
      when :unless then branch([:unary, :!, node[1]], node, node[2], node[3])
      when :if_mod then branch(node[1], node, [node[2]], nil)
      when :unless_mod then branch([:unary, :!, node[1]], node, [node[2]], nil)
      when :else then statements(node[1])
      when :case then cases(node)
      when :begin then statements(node[1][0] == :bodystmt ? node[1][1] : node[1])
      when :paren then statements(node[1])
      else pass(node)
      end
    end

    # What is no call of the server's own.
    def pass(node)
      number = line_of(node)
      text = @lines[number - 1].to_s.strip
      @unread << { line: number, text: text } unless @unread.any? { |other| other[:line] == number }
    end

    def call(node)
      block = false
      if node[0] == :method_add_block
        block = true
        node = node[1]
      end
      name, arguments = named(node)
      return pass(node) unless name
      return if %w[require require_relative].include?(name)

      values = arguments.map { |argument| evaluate(argument) }
      @calls << { line: line_of(node), text: @lines[line_of(node) - 1].to_s.strip, name: name, block: block,
                  arguments: values.map { |value| plain(value) }, variables: values.flat_map(&:variables).uniq,
                  apart: apart(arguments, values),
                  condition: @condition }
    end

    # The variables of each argument by its place, and of each option by its name.
    def apart(arguments, values)
      variables = values.each_with_index.to_h { |value, place| [place.to_s, value.variables] }
      last = arguments.last
      pairs = last.is_a?(Array) && last[0] == :bare_assoc_hash ? last[1] : []
      pairs.each do |pair|
        next unless pair[0] == :assoc_new && pair[1][0] == :@label

        variables[pair[1][1].delete_suffix(":")] = evaluate(pair[2]).variables
      end
      variables
    end

    # The name and the arguments of a call without a receiver.
    def named(node)
      case node[0]
      when :command, :vcall, :fcall
        [node[1][1], node[0] == :command ? list(node[2]) : []]
      when :method_add_arg
        node[1][0] == :fcall ? [node[1][1][1], list(node[2])] : nil
      end
    end

    def plain(value)
      return { cpus: true } if value.cpus
      return { unknown: true } unless value.known

      jsonable(value.value)
    end

    def jsonable(value)
      case value
      when Symbol then value.to_s
      when Array then value.map { |item| jsonable(item) }
      when Hash then value.to_h { |key, item| [key.to_s, jsonable(item)] }
      when Float then value.finite? ? value : value.to_s
      when String then value.dup.force_encoding(Encoding::UTF_8).scrub
      else value
      end
    end

    def assign(target, value)
      return unless target.is_a?(Array) && target[0] == :var_field && target[1].is_a?(Array) && target[1][0] == :@ident

      before = @locals[target[1][1]]
      value = unknown(value.variables) if @condition && before && !(before.known && value.known && before.value == value.value)
      @locals[target[1][1]] = value
    end

    def operator_assigned(node)
      return unknown unless node[2][1] == "||=" && node[1][1].is_a?(Array)

      @locals.fetch(node[1][1][1]) { evaluate(node[3]) }
    end

    # One way where it can be known which; both, with the condition, where not or where the environment decides.
    def branch(condition, node, body, otherwise)
      decided = evaluate(condition)
      return decided.value ? statements(body) : statement(otherwise) if decided.known && decided.variables.empty?

      taken = decided.value ? body : otherwise
      under(decided.known && taken == body ? nil : condition_at(node, condition, false)) { statements(body) }
      under(decided.known && taken == otherwise ? nil : condition_at(node, condition, true)) { statement(otherwise) }
    end

    # What is read meanwhile holds under a condition, unless it is in the way that is taken as long as no variable is set.
    def under(condition)
      before = @condition
      @condition ||= condition
      yield
    ensure
      @condition = before
    end

    def condition_at(node, condition, otherwise)
      number = line_of(condition)
      number = line_of(node) if number.zero?
      { line: number, text: @lines[number - 1].to_s.strip, otherwise: otherwise }
    end

    def cases(node)
      subject = node[1] && evaluate(node[1])
      clause = node[2]
      while clause && clause[0] == :when
        matches = subject && clause[1].is_a?(Array) ? clause[1].map { |item| equal(subject, evaluate(item)) } : [nil]
        return statements(clause[2]) if matches.include?(true)
        return branch(nil, node, clause[2], clause[3]) if matches.include?(nil)

        clause = clause[3]
      end
      statement(clause)
    end

    def equal(one, other)
      return nil unless one.known && other.known && one.variables.empty?

      one.value == other.value
    end

    # The line of the first token in a tree, 0 where it has none.
    def line_of(node)
      return 0 unless node.is_a?(Array)
      return node[2][0] if node[0].is_a?(Symbol) && node[0].to_s.start_with?("@") && node[2].is_a?(Array)

      node.each do |part|
        found = line_of(part)
        return found if found.positive?
      end
      0
    end
  end
end
