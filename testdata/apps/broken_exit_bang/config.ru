# frozen_string_literal: true

# exit! flushes no buffer of Ruby's, so the line is flushed by hand.
puts "leaving without a goodbye"
$stdout.flush
exit! 4
