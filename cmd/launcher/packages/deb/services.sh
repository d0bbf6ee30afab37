# shellcheck shell=sh
# The launchers that run as services. Where systemd is process 1 these are the instances of launcher@.service, which it is asked about
# as policy-rc.d allows. Elsewhere (a container, another init) they are those with a socket folder in /run/launcher, by their pid files.

program=/usr/bin/launcher

by_systemd() { [ -d /run/systemd/system ]; }

# each_pid prints the pids of launchers that run the installed program, or the one before it. A pid file is the application's user's:
# it is a small file, and counts where its process is a launcher.
each_pid() {
    for file in /run/launcher/*/launcher.pid; do
        if [ ! -f "$file" ] || [ -L "$file" ]; then continue; fi
        pid=$(head -c 32 "$file" | tr -cd 0-9)
        case $(readlink "/proc/${pid:-0}/exe" || true) in
        "$program" | "$program (deleted)" | "$program".dpkg-*) echo "$pid" ;;
        esac
    done
}

# allowed says whether the administrator lets packages do that to services.
allowed() {
    command -v policy-rc.d >/dev/null || return 0
    status=0
    policy-rc.d launcher "$1" || status=$?
    [ "$status" -ne 101 ]
}

# renew has each service go on with the installed program. Connections wait in the sockets meanwhile.
renew() {
    if by_systemd; then
        systemctl --system daemon-reload || true
        deb-systemd-invoke try-restart 'launcher@*.service' || true
    elif allowed restart; then
        for pid in $(each_pid); do
            kill -USR2 "$pid" || true
        done
    fi
}

# stop ends each service in order: a request in hand has as much time as the drain timeout gives it.
stop() {
    if by_systemd; then
        deb-systemd-invoke stop 'launcher@*.service' || true
    elif allowed stop; then
        pids=$(each_pid)
        for pid in $pids; do
            kill -TERM "$pid" || true
        done
        for pid in $pids; do
            turns=300 # a minute: whoever takes longer does so without its program
            while [ "$turns" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do
                sleep 0.2
                turns=$((turns - 1))
            done
        done
    fi
}
