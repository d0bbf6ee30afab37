# frozen_string_literal: true

module PreforkLauncher
  module FastCGI
    # The path that the application is mounted under, and who takes it off the URL. The launcher does, as SCRIPT_NAME,
    # unless the application does so itself: with map "/shop" in its config.ru, or with routes that all lie below /shop.
    # Such an application gets the whole path, as it does from a server that knows of no prefix; else the prefix would
    # be taken off twice.
    class UrlPrefix
      BY = %w[auto launcher app].freeze
      # Objects to examine: more than any chain of middleware has, and few enough for a moment.
      OBJECTS = 1000
      SLASHES = %r{/+}.freeze
      # What Rails and its libraries draw beside the application's own routes, always at the root.
      FOREIGN = %w[rails assets cable].freeze
      # The start of a route's pattern that is not a parameter.
      STATIC = %r{\A(?:/[^/:*()]+)*}.freeze
      private_constant :BY, :OBJECTS, :SLASHES, :FOREIGN, :STATIC

      # "" where the operator has named none.
      attr_reader :path

      def initialize(path, by: nil)
        path = path.to_s.gsub(SLASHES, "/").chomp("/")
        path = "/#{path}" unless path.empty? || path.start_with?("/")
        @path = path.b.freeze
        @by = by || BY.first
        raise ArgumentError, "nobody mounts by #{@by}" unless BY.include?(@by)

        @mapped = []
      end

      # Finds the paths that an application maps by itself, once it has loaded.
      def examine(app)
        @mapped = @by == "auto" ? Mapping.new(app, OBJECTS).paths.map(&:b).uniq : []
      end

      # Whether the application takes a prefix off by itself: the operator's, or one that a web server tells.
      def taken_by_app?(prefix)
        return @by == "app" unless @by == "auto"

        @mapped.any? do |mapped|
          mapped.start_with?(prefix) && (mapped.bytesize == prefix.bytesize || mapped.getbyte(prefix.bytesize) == 0x2f)
        end
      end

      # Finds the paths below which an application has something mounted, from its objects in memory: Rack::URLMap in
      # the chain of middleware, and the routes of Rails. What a closure holds cannot be seen. Nothing that an
      # application may have defined itself is called.
      class Mapping
        def initialize(app, objects)
          @left = objects
          @seen = {}.compare_by_identity
          @paths = []
          walk(app, "")
        end

        attr_reader :paths

        private

        def walk(app, above)
          return if nil.equal?(app) || @seen[app] || @left.zero?

          @seen[app] = true
          @left -= 1
          if (branches = branches(app))
            branches.each { |location, inner| enter(location, inner, above) }
          elsif kind?(app, "Rails::Engine")
            walk_routes(app, above)
          else
            inner(app).each { |wrapped| walk(wrapped, above) }
          end
        end

        # Adds a location and what is below it. http://shop.example.com/shop is one too.
        def enter(location, app, above)
          path = above + location.to_s.sub(%r{\Ahttps?://[^/]*}, "").gsub(SLASHES, "/").chomp("/")
          @paths << path unless path == above
          walk(app, path)
        end

        # Returns pairs of a location and what is mounted there; nil for what does not branch.
        def branches(app)
          if kind?(app, "Rack::URLMap")
            Array(variable(app, :@mapping)).map { |_host, location, _pattern, mapped| [location, mapped] }
          elsif kind?(app, "Rack::Builder") # one that is run itself, and follows its blocks with each request
            Hash(variable(app, :@map)).map { |location, _block| [location, nil] } << ["", variable(app, :@run)]
          elsif kind?(app, "Rack::Cascade")
            Array(variable(app, :@apps)).map { |tried| ["", tried] }
          end
        end

        # Adds the segments that all routes of a Rails application begin with.
        def walk_routes(app, above)
          set = variable(variable(app, :@routes), :@set)
          return unless set

          drawn = set.reject(&:internal).map { |route| route.path.spec.to_s[STATIC].to_s.split("/").drop(1) }
          own = drawn.reject { |segments| FOREIGN.include?(segments.first) }
          common = own.inject { |all, one| all.zip(one).take_while { |a, b| a == b }.map(&:first) }
          @paths << [above, *common].join("/") unless common.nil? || common.empty?
        end

        # Returns what a middleware wraps: @app by convention, else whatever it holds that can be called.
        def inner(app)
          wrapped = variable(app, :@app)
          return [wrapped] if wrapped

          Kernel.instance_method(:instance_variables).bind_call(app).map { |name| variable(app, name) }.select { |value| callable?(value) }
        end

        def variable(object, name)
          Kernel.instance_method(:instance_variable_get).bind_call(object, name)
        end

        def callable?(value)
          Kernel.instance_method(:class).bind_call(value).method_defined?(:call)
        end

        # Whether it is of a class, which is not loaded for that.
        def kind?(object, name)
          known = name.split("::").inject(Object) do |outer, constant|
            return false if outer.autoload?(constant) || !outer.const_defined?(constant, false)

            outer.const_get(constant, false)
          end
          known === object
        end
      end
      private_constant :Mapping
    end
  end
end
