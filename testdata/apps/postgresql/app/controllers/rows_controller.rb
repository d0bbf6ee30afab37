# frozen_string_literal: true

# Writes a row and reads it back, over whatever connections the pool gives. A row that is not
# the one written means that somebody else speaks on this worker's connection.
class RowsController < ActionController::API
  def show
    token = params.require(:token)
    written = Row.create!(token: token, worker: Process.pid)
    row = Row.with_reader.find(written.id)
    own = row.token == token && row.worker == Process.pid && row.reader == row.backend
    render json: row, status: own ? :ok : :internal_server_error
  end
end
