# frozen_string_literal: true

require_relative "../text"

module PreforkLauncher
  module FastCGI
    # Formats what is reported after the load as lines of the launcher's log, which go to the same stream: text, or with
    # --log-format json an object a line, with the keys that the launcher's own have. Before that the supervisor reads
    # what is printed, and formats it itself.
    module LogLines
      @json = false

      class << self
        # Set when this process and those that are forked from it begin to write to the log themselves.
        attr_writer :json

        def json?
          @json
        end

        def note(message)
          json? ? object("WARN", message) : "launcher: #{message}\n"
        end

        # Formats what an application has written to rack.errors, each line by itself.
        def written(text)
          return text unless json?

          text.split("\n").reject(&:empty?).map do |line|
            object("WARN", "the application wrote an error", line: Text.line(line)) { "#{line}\n" }
          end.join
        end

        # Formats an exception with its causes, each with its frames.
        def report(context, exceptions, omitted, hint)
          return text(context, exceptions, omitted, hint) unless json?

          first, *causes = exceptions.zip(omitted).map { |(error, frames), more| { error: error, frames: frames, frames_omitted: more } }
          object("ERROR", context, **first, caused_by: causes, hint: hint) { text(context, exceptions, omitted, hint) }
        end

        private

        def text(context, exceptions, omitted, hint)
          text = +"launcher: #{context}: "
          exceptions.zip(omitted) do |(error, frames), more|
            text << "caused by: " unless error.equal?(exceptions.first.first)
            # A message that holds what a client chose must not make a line like that of another report.
            text << error.gsub("\n", "\n\t") << "\n"
            frames.each { |frame| text << "\t" << frame << "\n" }
            text << "\t... #{more} more\n" if more.positive?
          end
          hint ? text << "launcher: hint: " << hint << "\n" : text
        end

        def object(level, message, **more)
          time = Time.now.utc.strftime("%Y-%m-%dT%H:%M:%S.%6NZ")
          "#{JSON.generate({ 'time' => time, 'level' => level, 'msg' => message, 'pid' => Process.pid, **more.transform_keys(&:to_s) })}\n"
        rescue StandardError, NotImplementedError # an application may have changed JSON
          block_given? ? yield : "launcher: #{message}\n"
        end
      end
    end
  end
end
