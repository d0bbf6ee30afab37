# frozen_string_literal: true

# Built by cmd/launcher/packages/gem/build, in a folder with what belongs to one platform.
Gem::Specification.new do |spec|
  spec.name = "launcher-ruby"
  spec.version = ENV.fetch("GEM_VERSION")
  spec.platform = ENV.fetch("GEM_PLATFORM")
  spec.summary = "Runs a Rails or Rack application as forked workers that share their memory"
  spec.description = "The launcher loads a Rack application once and forks its workers from it. It serves HTTP " \
                     "itself, or FastCGI behind lighttpd, nginx and others. This gem has its program, for Linux, and a handler " \
                     "for rackup and bin/rails server."
  spec.authors = ["the launcher authors"]
  spec.license = "MIT"
  spec.required_ruby_version = ">= 2.7"
  spec.files = Dir["{exe,lib}/**/*", "README.md", "LICENSE"].select { |path| File.file?(path) }.sort
  spec.bindir = "exe"
  spec.executables = ["launcher"]
  spec.metadata = { "rubygems_mfa_required" => "true" }
end
