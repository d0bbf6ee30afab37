# frozen_string_literal: true

# Writes a row and reads it back by the same connection. When token and read
# differ, or pid and owner do, workers share a connection.
class RowsController < ApplicationController
  def show
    Row.transaction do
      row = Row.create!(token: params.require(:token))
      render json: { id: row.id, token: row.token, read: Row.last_written_token,
                     pid: Process.pid, owner: Row.connection_owner }
    end
  end
end
