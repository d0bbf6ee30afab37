# frozen_string_literal: true

require "digest"

# Files that come in as multipart forms and go out byte for byte.
class FilesController < ApplicationController
  class BadName < StandardError; end

  skip_forgery_protection # uploads come from tests and scripts, without a session
  rescue_from(BadName) { head :bad_request }

  def create
    upload = params.require(:file)
    FileUtils.mkdir_p(folder)
    FileUtils.cp(upload.path, path_of(upload.original_filename))
    render json: { name: upload.original_filename, type: upload.content_type, size: upload.size,
                   sha256: Digest::SHA256.file(upload.path).hexdigest }
  end

  def show
    send_file path_of(params[:name])
  rescue ActionController::MissingFile
    head :not_found
  end

  private

  def folder
    Rails.configuration.x.files
  end

  # Only names of files in the folder itself.
  def path_of(name)
    raise BadName if name.start_with?(".") || name.match?(%r{[/\\\0]})

    File.join(folder, name)
  end
end
