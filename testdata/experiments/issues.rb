# frozen_string_literal: true

# Fills a new Redmine, in whose root it is run, with a public project of thirty issues, to which everybody may add. Nobody is
# notified of an issue: a thread would write these messages, and where it is in the middle of a query, SQLite waits for it while
# nobody else may run Ruby, until the timeout ("database is locked").

require File.join(Dir.pwd, "config", "environment")

Setting.notified_events = []
author = User.find_by!(admin: true)
tracker = Tracker.first!
project = Project.create!(name: "Harbour", identifier: "harbour", is_public: true, trackers: Tracker.all.to_a)
30.times do |i|
  Issue.create!(project: project, tracker: tracker, author: author, status: IssueStatus.first!, priority: IssuePriority.first!,
                subject: "The crane at berth #{i + 1} is stuck", description: "It has not moved since Monday. " * 10)
end
Role.anonymous.add_permission!(:add_issues)
