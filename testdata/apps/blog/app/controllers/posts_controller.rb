# frozen_string_literal: true

class PostsController < ApplicationController
  def index
    @posts = Post.newest_first.limit(50)
    @post = Post.new
  end

  def search
    @posts = Post.mentioning(params[:q].to_s).newest_first.limit(50)
  end

  def show
    @post = Post.find(params[:id])
  end

  def new
    @post = Post.new
  end

  def create
    @post = Post.new(params.require(:post).permit(:title, :body))
    if @post.save
      redirect_to @post, notice: "Post was created."
    else
      render :new, status: 422
    end
  end

  def destroy
    Post.find(params[:id]).destroy!
    redirect_to posts_url, status: :see_other, notice: "Post was deleted."
  end
end
