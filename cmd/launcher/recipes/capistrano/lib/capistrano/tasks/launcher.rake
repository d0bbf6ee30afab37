# frozen_string_literal: true

# Has the launcher on each host load the release that "current" leads to, whenever a deploy or a rollback has switched that
# link. A launcher that runs is never stopped; the first one is started on the host, once (systemctl start shop).

namespace :load do
  task :defaults do
    set :launcher, "launcher"
    set :launcher_socket_dir, -> { shared_path.join("run") }
    set :launcher_roles, :app
  end
end

namespace :launcher do
  # The launcher's command line on a host.
  def launcher_command(verb, *options)
    [fetch(:launcher), verb, "--root", current_path, "--socket-dir", fetch(:launcher_socket_dir), *options]
  end

  desc "Make the folder of the sockets, which no release has for itself"
  task :folder do
    on(roles(fetch(:launcher_roles))) { execute :mkdir, "-p", fetch(:launcher_socket_dir) }
  end

  desc "Load the release that the link leads to, beside the one that serves"
  task :restart do
    on roles(fetch(:launcher_roles)) do |host|
      if test(*launcher_command("status", "> /dev/null"))
        begin
          execute(*launcher_command("restart"))
        rescue StandardError
          # A release that does not load, or answers nothing but errors, is not served: the one before is. The link leads there
          # again, so that this is what the host loads when it starts anew.
          if (before = fetch(:"launcher_before_#{host}"))
            execute :ln, "-sfn", before, "#{current_path}.before"
            execute :mv, "-T", "#{current_path}.before", current_path
          end
          raise
        end
      else
        warn "#{host}: no launcher runs, so nothing was loaded (start it there: systemctl start #{fetch(:application)})"
      end
    end
  end

  # The link as it was before this deploy.
  task :note do
    on roles(fetch(:launcher_roles)) do |host|
      set :"launcher_before_#{host}", capture(:readlink, current_path) if test("[ -L #{current_path} ]")
    end
  end

  desc "Say what the workers do"
  task :status do
    on(roles(fetch(:launcher_roles))) { |host| info "#{host}\n#{capture(*launcher_command("status"))}" }
  end
end

before "deploy:starting", "launcher:folder"
before "deploy:publishing", "launcher:note"
after "deploy:published", "launcher:restart"
