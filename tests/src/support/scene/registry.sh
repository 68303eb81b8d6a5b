# The registry `demo` with the packs of packaging/demo, and a packd that knows it.
for pack in hello-1.0.0 hello-1.1.0 disk_report-0.3.0 morning_report-1.0.0; do
    packctl build "$PAGE_SOURCE/packaging/demo/$pack" --output-dir /srv/packs/archives
    packctl index-update "$PAGE_SOURCE/packaging/demo/$pack" --update --index /srv/packs/index.json \
        --init demo file:///srv/packs/ \
        --archive "/srv/packs/archives/$pack.tar.gz" --archive-url "archives/$pack.tar.gz"
done
cat >/etc/packd/packd.yaml <<'YAML'
store: {min_free: 0B}
updates: {mode: notify}
YAML
cat >/etc/packd/conf.d/registry.yaml <<'YAML'
registries:
  - name: demo
    url: file:///srv/packs/index.json
YAML
systemctl start packd
ln -s /var/lib/packd state
