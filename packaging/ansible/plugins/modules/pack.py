#!/usr/bin/python
# Copyright: the packd authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: pack
short_description: Automation packs of a host
description:
  - Installs, updates and removes packs through packd, over its Unix socket.
  - What a pack needs is installed with it. A pack that is as asked for already is left alone.
author:
  - The packd authors
extends_documentation_fragment:
  - packd.packd.connection
options:
  name:
    description: The ref of the pack, such as C(slack).
    type: str
    required: true
  state:
    description:
      - C(present), it is there in a version that satisfies I(version).
      - C(latest), it is there in the newest version that is offered.
      - C(absent), it is not there.
    type: str
    choices: [present, latest, absent]
    default: present
  version:
    description: A requirement, such as C(2.1.0), C(^2) or C(>=1.4, <3). Quote it.
    type: str
  registry:
    description: The only registry that it may come from.
    type: str
  source:
    description:
      - Instead of a registry, the URL of an archive, or a git repository.
      - Or the path of an archive or a folder on the managed host, with a slash in front, as C(/srv/slack.tar.gz), or C(./slack).
        It is sent to packd with the rights of the task, and only where packd does not have the very same bytes.
        Of a folder, C(.git), C(.venv), C(__pycache__) and C(*.pyc) are left out.
    type: str
  git_ref:
    description: Branch, tag or commit of the repository.
    type: str
  path:
    description: The folder inside the archive or repository that is the pack.
    type: str
  checksum:
    description: What the archive must digest to, as C(sha256:) and the digest in hex.
    type: str
  tree:
    description: What the tree must digest to, as C(packctl export) writes it.
    type: str
  change_origin:
    description:
      - Take it from I(registry) also where it came from another one. Needs the role C(admin).
    type: bool
    default: false
  pre:
    description: Consider pre-releases.
    type: bool
    default: false
  force:
    description:
      - Change it although it is held, and in spite of what it needs or who needs it.
      - With I(state=absent), also where it is a system pack.
    type: bool
    default: false
  cascade:
    description: With I(state=absent), remove the packs that need it too.
    type: bool
    default: false
  skip_deps:
    description: Do not check dependencies.
    type: bool
    default: false
  skip_tests:
    description: Do not run the pack's own tests.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: packd makes the plan and changes nothing.
  diff_mode:
    support: full
    description: The versions before and after, of all packs that change.
"""

EXAMPLES = r"""
- name: Slack, from whichever registry offers it
  packd.packd.pack:
    name: slack
    version: "^2"

- name: The newest Jira of one registry
  packd.packd.pack:
    name: jira
    registry: acme
    state: latest

- name: A tag of a repository
  packd.packd.pack:
    name: deploy
    source: https://git.example.org/deploy.git
    git_ref: v1.4.0

- name: An archive that was copied before
  packd.packd.pack:
    name: deploy
    source: /srv/packs/deploy-1.4.0.tar.gz

- name: Not this one
  packd.packd.pack:
    name: legacy
    state: absent
"""

RETURN = r"""
changes:
  description: The packs that changed, or would change, the packs that came with it among them.
  returned: success
  type: list
  elements: dict
  sample: [{"ref": "slack", "action": "upgrade", "from": "2.0.0", "to": "2.1.0", "registry": "acme"}]
pack:
  description: The pack as it is afterwards; null when it is not there.
  returned: success
  type: dict
job:
  description: The number of the job that did it.
  returned: success
  type: int
generation:
  description: The generation that the job made; null when no pack changed.
  returned: success
  type: int
kind:
  description: What kind of problem it was, of a closed list.
  returned: failure
  type: str
  sample: version_not_found
problem:
  description: All that packd says of the problem.
  returned: failure
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.packd.packd.plugins.module_utils import client as packd
from ansible_collections.packd.packd.plugins.module_utils import local

# What the pack shall be like.
FIELDS = ["version", "registry", "source", "git_ref", "path", "checksum", "tree"]


def ensure(module, client):
    params = module.params
    pack = {field: params[field] for field in FIELDS if params[field] is not None}
    if params["state"] == "latest":
        pack["version"] = "latest"
    query = {flag: params[flag] for flag in ("pre", "force", "skip_deps", "skip_tests", "change_origin")}
    query["dry_run"] = module.check_mode
    path = packd.pack_path(params["name"])
    if not local.is_local(pack.get("source", "")):
        return client.job("PUT", path, pack, query)
    try:
        with local.Archive(pack["source"]) as archive:
            return sent(client, archive, path, pack, query)
    except (OSError, ValueError) as error:
        raise packd.PackdError("cannot read `%s`: %s" % (pack["source"], getattr(error, "strerror", None) or error))


def sent(client, archive, path, pack, query):
    """The pack from bytes that packd has already, or is sent now; sending them alone changes nothing."""
    checksum = pack.get("checksum")
    if checksum is not None and archive.digest(checksum.split(":")[0]) != checksum.lower():
        detail = "`%s` is %s, expected %s" % (archive.source, archive.digest(checksum.split(":")[0]), checksum)
        raise packd.PackdError(detail, {"kind": "digest_mismatch", "detail": detail})
    pack = dict(pack, uploaded=True, source=archive.source, checksum=archive.digest())
    try:
        return client.job("PUT", path, pack, query)
    except packd.PackdError as error:
        if error.kind != "fetch_refused":
            raise
    upload = {"name": archive.source, "path": pack.get("path"), "checksum": pack["checksum"], "dry_run": True}
    upload.update({flag: query[flag] for flag in ("force", "skip_deps", "skip_tests")})
    client.job("POST", "/v1/packs/upload", archive, upload)
    return client.job("PUT", path, pack, query)


def remove(module, client):
    params = module.params
    query = {flag: params[flag] for flag in ("cascade", "force")}
    query["dry_run"] = module.check_mode
    return client.job("DELETE", packd.pack_path(params["name"]), query=query)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(type="str", required=True),
            state=dict(type="str", choices=["present", "latest", "absent"], default="present"),
            version=dict(type="str"),
            registry=dict(type="str"),
            source=dict(type="str"),
            git_ref=dict(type="str"),
            path=dict(type="str"),
            checksum=dict(type="str"),
            tree=dict(type="str"),
            change_origin=dict(type="bool", default=False),
            pre=dict(type="bool", default=False),
            force=dict(type="bool", default=False),
            cascade=dict(type="bool", default=False),
            skip_deps=dict(type="bool", default=False),
            skip_tests=dict(type="bool", default=False),
            **packd.COMMON
        ),
        mutually_exclusive=[("registry", "source")],
        supports_check_mode=True,
    )
    params = module.params
    if params["source"] is not None and local.is_local(params["source"]) and params["git_ref"] is not None:
        module.fail_json(msg="`git_ref` has no meaning for an archive or a folder of the host")
    if params["source"] is not None and local.is_local(params["source"]) and params["state"] == "latest":
        module.fail_json(msg="`state: latest` has no meaning for an archive or a folder of the host")
    if params["state"] == "latest" and params["version"] is not None:
        module.fail_json(msg="`state: latest` and `version` both say which version it shall be; give one of the two")
    client = packd.of_module(module)
    try:
        job = remove(module, client) if params["state"] == "absent" else ensure(module, client)
        packd.warn(module, job)
        result = packd.of_job(module, job)
        result["pack"] = client.get(packd.pack_path(params["name"]), absent="pack_not_installed")
    except packd.PackdError as error:
        packd.fail(module, error)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
