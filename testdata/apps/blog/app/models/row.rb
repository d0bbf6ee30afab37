# frozen_string_literal: true

# A row written to be read back at once by the connection that wrote it.
class Row < ApplicationRecord
  validates :token, presence: true

  # The process that first used this connection. A temporary table belongs to one
  # connection alone, so a worker that finds another process's id in it was left
  # with the connection of its parent.
  def self.connection_owner
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS owner (pid INTEGER)")
    connection.execute("INSERT INTO owner SELECT #{Process.pid} WHERE NOT EXISTS (SELECT 1 FROM owner)")
    connection.select_value("SELECT pid FROM owner")
  end

  # SQLite keeps the last id for each connection: on one that is shared, another
  # process's write could come between.
  def self.last_written_token
    connection.select_value("SELECT token FROM rows WHERE id = last_insert_rowid()")
  end
end
