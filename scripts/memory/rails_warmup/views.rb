# frozen_string_literal: true

require_relative "locals"

module PreforkLauncher
  class RailsWarmup
    # Compiles the templates below every view path of the controllers, into the class that
    # requests find them in. A partial is compiled anew for each set of
    # names that it is given; those are learned from the sources that render it.
    class Views
      # As a browser asks, and as one who takes anything: each looks a template up
      # for itself.
      FORMATS = [[:html], nil].freeze
      SOURCES = "app/{helpers,controllers,components}/**/*.rb"
      Template = Struct.new(:folder, :name, :partial, :resolver) do
        def to_s
          "the template #{folder}/#{'_' if partial}#{name}"
        end
      end

      def initialize(steps)
        @steps = steps
        @locals = Locals.new
        @views = {}
      end

      def run
        return unless ::ActionView::Resolver.caching?

        # The first folder that has a template is where it is found.
        templates = resolvers.flat_map { |resolver| below(resolver) }.uniq { |template| template.to_a.first(3) }
        @steps.each(templates) { |template| learn(template) }
        @steps.each(Dir.glob(SOURCES, base: ::Rails.root.to_s)) { |path| @locals.learn(File.read(::Rails.root.join(path))) }
        @steps.each(templates) { |template| compile(template) }
      end

      private

      def resolvers
        all = controllers.flat_map { |controller| controller.view_paths.to_a }.uniq
        all.select { |resolver| resolver.is_a?(::ActionView::FileSystemResolver) }
      end

      def controllers
        found = [::ActionController::Base, *::ActionController::Base.descendants]
        found.concat(::ActionMailer::Base.descendants) if defined?(::ActionMailer::Base) && !::ActionMailer.autoload?(:Base)
        found
      end

      # A folder of the resolver's may not be there; then it has no templates.
      def below(resolver)
        handled = ::ActionView::Template.template_handler_extensions.map(&:to_s)
        files = Dir.glob("**/*.*", base: resolver.to_path).select { |path| handled.include?(File.extname(path).delete_prefix(".")) }
        files.map do |path|
          base = File.basename(path)
          Template.new(File.dirname(path), base.delete_prefix("_")[/\A[^.]+/], base.start_with?("_"), resolver)
        end
      end

      def view(resolver, formats)
        @views[[resolver, formats]] ||= begin
          lookup = ::ActionView::LookupContext.new([resolver])
          lookup.formats = formats if formats
          ::ActionController::Base.view_context_class.new(lookup, {}, nil)
        end
      end

      def find(template, view, names)
        view.lookup_context.find_all(template.name, [template.folder], template.partial, names.map(&:to_sym))
      end

      def learn(template)
        find(template, view(template.resolver, nil), []).each { |found| @locals.learn(ruby(found)) }
      end

      # What the template becomes. From 6.0 on a handler is given the source too.
      def ruby(template)
        handler = template.handler
        handler.method(:call).arity == 1 ? handler.call(template) : handler.call(template, template.source)
      end

      def compile(template)
        sets = template.partial ? @locals.of(template.folder, template.name) : [[]]
        FORMATS.product(sets) do |formats, names|
          view = view(template.resolver, formats)
          find(template, view, names).each { |found| found.send(:compile!, view) }
        end
      end
    end
  end
end
