#!/usr/bin/python
# Copyright: the packd authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: registry
short_description: Registries that packs come from
description:
  - Adds, changes and removes registries of packd, over its Unix socket.
  - A registry of packd's configuration files is changed there only. One that is there as asked for is fine.
author:
  - The packd authors
extends_documentation_fragment:
  - packd.packd.connection
options:
  name:
    description: What it is called.
    type: str
    required: true
  state:
    description: Whether it is there. What was installed from one that is removed stays.
    type: str
    choices: [present, absent]
    default: present
  url:
    description: Where its index is. Needed to add one.
    type: str
  priority:
    description: Lower is asked first.
    type: int
  enabled:
    description: Whether it is asked at all.
    type: bool
  refs:
    description: The only packs that may come from it; C(*) stands for any characters.
    type: list
    elements: str
  exclusive:
    description: Whether those packs come from nowhere else.
    type: bool
  headers:
    description:
      - Headers of each request to it. A value can be C(${cred:NAME}), C(${file:/path}) or C(${env:NAME}).
      - packd shows them to nobody, so check mode goes by their names.
    type: dict
  trust:
    description: What makes its bytes believable.
    type: str
    choices: [signed, checksum, unverified]
  root:
    description: Of a signed one, the file of its root, in the folder C(keys) of packd's configuration.
    type: str
  root_fingerprint:
    description: Of a signed one without C(root), the SHA-256 of the root that it brings itself.
    type: str
  max_stale:
    description: Of a signed one, how long past its end what was signed still counts, as C(14d).
    type: str
  refresh:
    description: How old its index may become, as C(1h).
    type: str
  allow_http:
    description: Whether plain http is allowed.
    type: bool
  sandbox:
    description: What the tests of its packs are kept in by.
    type: str
  updates:
    description: What is different for the updates of its packs, C(mode) and C(allow).
    type: dict
attributes:
  check_mode:
    support: partial
    description: What headers say is not compared.
  diff_mode:
    support: full
"""

EXAMPLES = r"""
- name: The registry of the house
  packd.packd.registry:
    name: acme
    url: https://packs.acme.example/index.json
    priority: 10
    headers:
      Authorization: "Bearer ${cred:acme}"
"""

RETURN = r"""
registry:
  description: The registry as it is afterwards; null when it is not there.
  returned: success
  type: dict
"""

import json
from urllib.parse import quote

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.packd.packd.plugins.module_utils import client as packd

# Where a registry shows a key, and what it is when it does not.
SETTINGS = {
    "root": None,
    "root_fingerprint": None,
    "max_stale": "0s",
    "refresh": "1h",
    "allow_http": False,
    "sandbox": None,
    "updates": None,
}
KEYS = ["url", "priority", "enabled", "refs", "exclusive", "headers", "trust"] + list(SETTINGS)


def is_now(view, key):
    """A key of a registry as it is; of headers the names."""
    if view is None:
        return None
    settings = view.get("settings") or {}
    if key == "headers":
        return sorted(settings.get("headers") or [])
    if key in SETTINGS:
        return settings.get(key, SETTINGS[key])
    return view.get(key)


def is_same(key, asked, now):
    # a root is named as it lies among the keys, and shown in full
    return asked == now or (key == "root" and bool(now) and now.endswith("/keys/" + asked))


def differences(view, asked):
    """The keys that are asked for and are otherwise, as they are and as they shall be."""
    before, after = {}, {}
    for key, value in asked.items():
        value = sorted(value) if key == "headers" else value
        now = is_now(view, key)
        if not is_same(key, value, now):
            after[key] = value
            # what is not there yet has no keys
            if view is not None:
                before[key] = now
    return before, after


def text(name, keys):
    return json.dumps({name: keys}, indent=2, sort_keys=True) + "\n" if keys else ""


def main():
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(type="str", required=True),
            state=dict(type="str", choices=["present", "absent"], default="present"),
            url=dict(type="str"),
            priority=dict(type="int"),
            enabled=dict(type="bool"),
            refs=dict(type="list", elements="str"),
            exclusive=dict(type="bool"),
            headers=dict(type="dict", no_log=True),
            trust=dict(type="str", choices=["signed", "checksum", "unverified"]),
            root=dict(type="str"),
            root_fingerprint=dict(type="str"),
            max_stale=dict(type="str"),
            refresh=dict(type="str"),
            allow_http=dict(type="bool"),
            sandbox=dict(type="str"),
            updates=dict(type="dict"),
            **packd.COMMON
        ),
        supports_check_mode=True,
    )
    name = module.params["name"]
    client = packd.of_module(module)
    path = "/v1/registries/" + quote(name, safe="")
    asked = {key: module.params[key] for key in KEYS if module.params[key] is not None}
    try:
        view = client.get(path, absent="registry_not_found")
        if module.params["state"] == "absent":
            before, after = ({"url": view["url"]} if view else {}), {}
            changed = view is not None
            if changed and not module.check_mode:
                changed = client.change("DELETE", path)["changed"]
                view = None
        else:
            if view is None and "url" not in asked:
                module.fail_json(msg="there is no registry `%s`, and `url` is needed to add it" % name)
            before, after = differences(view, asked)
            changed = view is None or bool(after)
            # what headers say can be compared by packd alone
            unseen = "headers" in asked and not (view or {}).get("defined_at")
            if not module.check_mode and (changed or unseen):
                answer = client.change("PUT", path, asked)
                changed, view = answer["changed"], answer["registry"]
                for warning in answer.get("warnings") or []:
                    module.warn(warning)
    except packd.PackdError as error:
        packd.fail(module, error)
    result = dict(changed=changed, registry=view)
    if module._diff:
        result["diff"] = {"before": text(name, before), "after": text(name, after)}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
