# frozen_string_literal: true

module PreforkLauncher
  # The values of expressions that have no effect, without running any: literals, local variables and those of the
  # environment, arithmetic, conversions and paths. Whoever includes it has @locals, @path, @root and @environment.
  module Expressions
    # What an expression comes to. Variables are those of the environment that may say something else.
    Value = Struct.new(:known, :value, :variables, :cpus)

    CPUS = %w[physical_processor_count processor_count available_processor_count nprocessors cpu_count].freeze
    ENVIRONMENT = %w[RAILS_ENV RACK_ENV APP_ENV].freeze
    PURE = %i[to_i to_s to_f to_sym to_a strip downcase upcase chomp freeze abs succ nil? empty? ! max min first last].freeze
    OPERATORS = %i[+ - * / % == != < > <= >= <<].freeze
    SCALARS = [Integer, Float, String, Symbol, TrueClass, FalseClass, NilClass, Array].freeze
    LONGEST = 10_000 # bytes of a text, elements of a list, bits of a number

    private

    def unknown(variables = [], cpus: false)
      Value.new(false, nil, variables, cpus)
    end

    # A value that would grow without end in a few lines is not followed.
    def known(value, variables = [])
      size = case value
             when String, Array, Hash then value.size
             when Integer then value.bit_length
             else 0
             end
      size > LONGEST ? unknown(variables) : Value.new(true, value, variables, false)
    end

    # The arguments of a call, nil where they are not a plain list.
    def list(node)
      return [] unless node.is_a?(Array) && !node.empty?

      case node[0]
      when :arg_paren then list(node[1])
      when :args_add_block then list(node[1])
      when :bare_assoc_hash then [node]
      when Array then node
      else [nil]
      end
    end

    # The value of an expression of literals, local and environment variables, and what follows from them.
    def evaluate(node)
      return unknown unless node.is_a?(Array)

      case node[0]
      when :@int then number(node[1]) { |text| Integer(text) }
      when :@float then number(node[1]) { |text| Float(text) }
      when :string_literal then string(node[1])
      when :string_concat then join([evaluate(node[1]), evaluate(node[2])])
      when :@tstring_content then known(node[1])
      when :symbol_literal then known(node[1][1][1].to_sym)
      when :array then array(node[1])
      when :hash then node[1] ? hash(node[1][1]) : known({})
      when :bare_assoc_hash then hash(node[1])
      when :var_ref, :vcall then variable(node[1])
      when :paren then last_of(node[1])
      when :aref then node_is_env?(node[1]) ? environment_variable(list(node[2]).first, nil) : unknown
      when :unary then unary(node)
      when :binary then binary(node)
      when :ifop, :if, :elsif then chosen(node)
      when :else then last_of(node[1])
      when :rescue_mod then evaluate(node[1])
      when :method_add_arg then sent(node[1], list(node[2]), nil)
      when :call then sent(node, [], nil)
      when :method_add_block then node[1][0] == :method_add_arg ? sent(node[1][1], list(node[1][2]), node[2]) : unknown
      else unknown
      end
    end

    def number(text)
      known(yield(text.delete("_")))
    rescue ArgumentError
      unknown
    end

    def last_of(list)
      return unknown unless list.is_a?(Array)
      return evaluate(list) if list[0].is_a?(Symbol)

      list.length == 1 ? evaluate(list[0]) : unknown
    end

    def string(content)
      join(content.drop(1).map { |part| part[0] == :string_embexpr ? last_of(part[1]) : evaluate(part) })
    end

    def join(parts)
      variables = parts.flat_map(&:variables)
      return unknown(variables) unless parts.all? { |part| part.known && SCALARS.any? { |type| part.value.is_a?(type) } }

      known(parts.map { |part| part.value.to_s }.join, variables)
    end

    def array(items)
      return known([]) unless items
      return unknown unless items.is_a?(Array) && items.all?(Array)

      values = items.map { |item| evaluate(item) }
      return unknown if values.any? { |value| nested?(value) }

      together(values) { values.map(&:value) }
    end

    def nested?(value)
      value.value.is_a?(Array) || value.value.is_a?(Hash)
    end

    def hash(pairs)
      return unknown unless pairs.is_a?(Array) && pairs.all? { |pair| pair[0] == :assoc_new }

      keys = pairs.map { |pair| pair[1][0] == :@label ? known(pair[1][1].delete_suffix(":").to_sym) : evaluate(pair[1]) }
      values = pairs.map { |pair| evaluate(pair[2]) }
      # A value that is not known does not hide the others.
      return unknown if !keys.all?(&:known) || values.any? { |value| nested?(value) }

      known(keys.zip(values).select { |_, value| value.known }.to_h { |key, value| [key.value, value.value] }, values.flat_map(&:variables))
    end

    def together(values)
      variables = values.flat_map(&:variables)
      values.all?(&:known) ? known(yield, variables) : unknown(variables)
    end

    def variable(name)
      case name[0]
      when :@kw
        words = { "true" => true, "false" => false, "nil" => nil, "__FILE__" => @path }
        words.key?(name[1]) ? known(words[name[1]]) : unknown
      when :@ident
        return known(File.dirname(@path)) if name[1] == "__dir__"

        @locals.fetch(name[1]) { unknown }
      else unknown
      end
    end

    def node_is_env?(node)
      node.is_a?(Array) && %i[var_ref top_const_ref].include?(node[0]) && node[1][1] == "ENV"
    end

    # Of the environment only which one of Rails it is can be known; what else is taken without it.
    def environment_variable(name, default)
      name = evaluate(name)
      return unknown unless name.known

      if ENVIRONMENT.include?(name.value)
        known(@environment)
      elsif default
        Value.new(default.known, default.value, [name.value, *default.variables], default.cpus)
      else
        unknown([name.value])
      end
    end

    def unary(node)
      operand = evaluate(node[2])
      return unknown(operand.variables) unless operand.known

      case node[1]
      when :-@ then operand.value.is_a?(Numeric) ? known(-operand.value, operand.variables) : unknown
      when :!, :not then known(!operand.value, operand.variables)
      else unknown
      end
    end

    def binary(node)
      left = evaluate(node[1])
      right = evaluate(node[3])
      variables = left.variables + right.variables
      case node[2]
      when :"||", :or
        return left if left.known && left.value
        return Value.new(right.known, right.value, variables, right.cpus) if left.known || !left.variables.empty?
      when :"&&", :and
        return right if left.known && left.value
        return left if left.known
      else
        return operated(left, node[2], right, variables) if OPERATORS.include?(node[2]) && left.known && right.known
      end
      unknown(variables, cpus: left.cpus || right.cpus)
    end

    def operated(left, operator, right, variables)
      return unknown(variables) unless [left, right].all? { |side| SCALARS.any? { |type| side.value.is_a?(type) } }
      return unknown(variables) if operator == :* && !(left.value.is_a?(Numeric) && right.value.is_a?(Numeric))
      return unknown(variables) if operator == :<<

      known(left.value.public_send(operator, right.value), variables)
    rescue StandardError
      unknown(variables)
    end

    # The value of the way that is taken; where that cannot be known the last one that can.
    def chosen(node)
      decided = evaluate(node[1])
      otherwise = node[3] ? evaluate(node[3]) : known(nil)
      ways = [node[0] == :ifop ? evaluate(node[2]) : last_of(node[2]), otherwise]
      return ways[decided.value ? 0 : 1] if decided.known && decided.variables.empty?

      way = ways.reverse.find(&:known) || ways.last
      Value.new(way.known, way.value, decided.variables + ways.flat_map(&:variables), ways.any?(&:cpus) && !way.known)
    end

    # A call of something.
    def sent(node, arguments, block)
      return converted(node[1][1], arguments) if node[0] == :fcall
      return unknown unless node[0] == :call && node[3].is_a?(Array)

      receiver = node[1]
      name = node[3][1]
      return unknown([], cpus: true) if CPUS.include?(name)

      if node_is_env?(receiver)
        return unknown unless %w[fetch []].include?(name)

        default = arguments[1] ? evaluate(arguments[1]) : (block && block_value(block))
        return environment_variable(arguments[0], default)
      end
      constant = receiver.is_a?(Array) && receiver[0] == :var_ref && receiver[1][0] == :@const ? receiver[1][1] : nil
      constant ? of_constant(constant, name, arguments) : of_value(evaluate(receiver), name, arguments)
    end

    def block_value(block)
      body = block[2]
      body = body[1] if body.is_a?(Array) && body[0] == :bodystmt
      last_of(body)
    end

    def converted(name, arguments)
      value = arguments[0] ? evaluate(arguments[0]) : unknown
      return value if value.cpus || !value.known || arguments.length != 1

      case name
      when "Integer" then known(Integer(value.value), value.variables)
      when "Float" then known(Float(value.value), value.variables)
      when "String" then known(value.value.to_s, value.variables)
      else unknown(value.variables)
      end
    rescue ArgumentError, TypeError
      unknown(value.variables)
    end

    def of_constant(constant, name, arguments)
      values = arguments.map { |argument| evaluate(argument) }
      case [constant, name]
      when %w[File join] then together(values) { File.join(*values.map { |value| value.value.to_s }) }
      when %w[File expand_path]
        together(values) { File.expand_path(values[0].value.to_s, values[1] ? values[1].value.to_s : @root) }
      when %w[File dirname] then together(values) { File.dirname(values[0].value.to_s) }
      when %w[Dir pwd], %w[Rails root] then known(@root)
      when %w[Rails env] then known(@environment)
      else unknown(values.flat_map(&:variables))
      end
    rescue StandardError
      unknown
    end

    def of_value(value, name, arguments)
      return value if value.cpus # somewhat more or fewer
      return below_root(arguments) if name == "join" && value.known && value.value == @root
      return known(value.value == name.delete_suffix("?")) if name.end_with?("?") && value.known && value.value == @environment
      return unknown(value.variables) unless value.known && arguments.empty? && PURE.include?(name.to_sym)
      return unknown(value.variables) unless SCALARS.any? { |type| value.value.is_a?(type) }

      known(value.value.public_send(name), value.variables)
    rescue StandardError
      unknown
    end

    def below_root(arguments)
      values = arguments.map { |argument| evaluate(argument) }
      together(values) { File.join(@root, *values.map { |value| value.value.to_s }) }
    end
  end
end
