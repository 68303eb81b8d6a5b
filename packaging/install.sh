#!/bin/sh
# Installs packd from this folder, for hosts whose packages are neither .deb nor .rpm. Run it again to upgrade.
#
#   ./install.sh              installs and starts
#   ./install.sh --uninstall  takes it away; packs and configuration stay
set -eu
cd "$(dirname "$0")"

[ "$(id -u)" = 0 ] || { echo "install.sh: only root can install" >&2; exit 1; }
command -v systemctl >/dev/null || { echo "install.sh: this host has no systemd" >&2; exit 1; }

case "${1:-}" in
    "")
        upgrade=1
        [ ! -x /usr/bin/packd ] || upgrade=2
        # a configuration that is there is yours
        (cd root && find . -type f -o -type l) | while read -r file; do
            [ "$file" = ./etc/packd/packd.yaml ] && [ -e /etc/packd/packd.yaml ] && continue
            mkdir -p "$(dirname "/$file")"
            # beside it and renamed: a program that runs cannot be written
            cp -P "root/$file" "/$file.new"
            mv -f "/$file.new" "/$file"
        done
        scripts/postinst $upgrade
        echo "packd is installed; \`packctl status\` says how it fares"
        ;;
    --uninstall)
        scripts/prerm remove
        (cd root && find . -type f -o -type l) | while read -r file; do
            [ "$file" = ./etc/packd/packd.yaml ] || rm -f "/$file"
        done
        rm -rf /usr/share/doc/packd
        scripts/postrm remove
        echo "packd is gone; /var/lib/packd and /etc/packd stay"
        ;;
    *)
        sed -n '2,5s/^# *//p' "$0"
        exit 2
        ;;
esac
