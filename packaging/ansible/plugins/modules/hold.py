#!/usr/bin/python
# Copyright: the packd authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: hold
short_description: Packs that stay in the version that they have
description:
  - Holds an installed pack in its version, or lets it change again.
author:
  - The packd authors
extends_documentation_fragment:
  - packd.packd.connection
options:
  name:
    description: The ref of the pack. To be held, it must be installed.
    type: str
    required: true
  state:
    description: Whether it is held.
    type: str
    choices: [present, absent]
    default: present
  until:
    description: When that is over by itself, as C(2026-12-31T18:00:00Z). Without it, when it is lifted.
    type: str
  reason:
    description: What for.
    type: str
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = r"""
- name: Slack stays as it is until the move is over
  packd.packd.hold:
    name: slack
    until: "2026-12-31T18:00:00Z"
    reason: the move to the new data centre

- name: And may change again
  packd.packd.hold:
    name: slack
    state: absent
"""

RETURN = r"""
hold:
  description: The hold as it is afterwards; null when there is none.
  returned: success
  type: dict
  sample: {"until": null, "reason": "a release", "by": "root", "at": "2026-03-01T12:00:00.000Z"}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.packd.packd.plugins.module_utils import client as packd


def main():
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(type="str", required=True),
            state=dict(type="str", choices=["present", "absent"], default="present"),
            until=dict(type="str"),
            reason=dict(type="str"),
            **packd.COMMON
        ),
        supports_check_mode=True,
    )
    params = module.params
    client = packd.of_module(module)
    path = packd.pack_path(params["name"])
    held = params["state"] == "present"
    try:
        # what is not there is not installed for the sake of a hold
        before = client.get(path, absent=None if held else "pack_not_installed")
        if before is None:
            module.exit_json(changed=False, hold=None)
        hold = {name: params[name] for name in ("until", "reason") if params[name] is not None}
        body = {"hold": hold if held else False}
        job = client.job("PUT", path, body, {"dry_run": module.check_mode})
        packd.warn(module, job)
        result = packd.of_job(module, job)
        result["hold"] = client.get(path).get("hold")
    except packd.PackdError as error:
        packd.fail(module, error)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
