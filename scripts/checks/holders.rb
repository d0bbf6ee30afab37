# frozen_string_literal: true

module PreforkLauncher
  # Finds what refers to objects, from each object up to a constant or a variable of a class or of the
  # program: "Net::BufferedIO, Net::HTTP, Billing::CLIENT". A pass over all objects for each step,
  # which takes seconds in a large application: not for every start.
  class Holders
    STEPS = 4
    DULL = [Array, Hash, Proc, Binding, Method].freeze # they hold what another object needs
    STACKS = [Thread, Fiber, Enumerator, *(Ractor if defined?(Ractor))].freeze # they hold whatever ran there last
    GLOBAL = /\A\$[a-z]\w+\z/.freeze # without those of Ruby's own that warn when they are read

    # The values of a Hash, which is itself no holder.
    def initialize(objects)
      @given = objects
      @objects = objects.values
    end

    # Returns the names by object, where there are any.
    def names
      return {} if @objects.empty?

      chains = {}.compare_by_identity
      @objects.each { |object| chains[object] = [] }
      heads = {}.compare_by_identity
      @objects.each { |object| heads[object] = object }
      @own = [@given, @objects, chains, heads]
      GC.start # what is not referred to any more is no holder
      STEPS.times { heads = climb(heads, chains) unless heads.empty? }
      chains.reject { |_, chain| chain.empty? }.transform_values { |chain| chain.join(", ") }
    end

    private

    # heads are the objects reached so far, each with the one that its chain began with.
    def climb(heads, chains)
      next_heads = {}.compare_by_identity
      @own << heads << next_heads
      globals(heads, chains)
      ObjectSpace.each_object do |object|
        next if skipped?(object) || heads.key?(object)

        ObjectSpace.reachable_objects_from(object)&.each do |child|
          first = heads.delete(child)
          next unless first

          name = name_of(object, child)
          chains[first] << name if name
          (next_heads[object] = first) unless object.is_a?(Module)
        end
        break if heads.empty?
      end
      next_heads
    end

    def skipped?(object)
      object.equal?(self) || @own.any? { |mine| mine.equal?(object) } || STACKS.any? { |kind| kind === object }
    end

    def globals(heads, chains)
      global_variables.grep(GLOBAL).each do |variable|
        value = Kernel.eval(variable.to_s, TOPLEVEL_BINDING, __FILE__, __LINE__)
        first = heads.delete(value)
        chains[first] << variable.to_s if first
      end
    end

    def name_of(object, child)
      return class_name(object) unless object.is_a?(Module)

      name = object.name || "a class without a name"
      constant = object.constants(false).find { |each| !object.autoload?(each) && object.const_get(each, false).equal?(child) }
      return object.equal?(Object) ? constant.to_s : "#{name}::#{constant}" if constant

      variable = object.instance_variables.find { |each| object.instance_variable_get(each).equal?(child) }
      variable ? "#{name} (#{variable})" : name
    rescue NameError
      name # a constant that has gone, or may not be asked for
    end

    def class_name(object)
      kind = Kernel.instance_method(:class).bind(object).call # a proxy may mean something else by class
      DULL.include?(kind) ? nil : kind.name
    end
  end
end
