# frozen_string_literal: true

# Runs every test of the Ruby side: ruby -w -Iscripts scripts/test/run.rb [minitest options]
require "minitest/autorun"

Dir[File.join(__dir__, "*_test.rb")].sort.each { |file| require file }
