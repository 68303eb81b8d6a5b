#!/usr/bin/python
# Copyright: the packd authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: facts
short_description: What packd of a host has
description:
  - Reads the packs, registries and the generation of packd, and gives them as the fact C(packd).
author:
  - The packd authors
extends_documentation_fragment:
  - packd.packd.connection
attributes:
  check_mode:
    support: full
  facts:
    support: full
"""

EXAMPLES = r"""
- name: Look
  packd.packd.facts:

- name: Tell
  ansible.builtin.debug:
    msg: "slack is {{ ansible_facts.packd.packs.slack.version }}"
  when: "'slack' in ansible_facts.packd.packs"
"""

RETURN = r"""
ansible_facts:
  description: What there is.
  returned: success
  type: dict
  contains:
    packd:
      description: What packd has.
      type: dict
      contains:
        version:
          description: The version of packd.
          type: str
        generation:
          description: The number of the active generation; null when nothing was ever installed.
          type: int
        packs:
          description: The active packs, by ref.
          type: dict
        registries:
          description: The registries, by name.
          type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.packd.packd.plugins.module_utils import client as packd


def main():
    module = AnsibleModule(argument_spec=dict(**packd.COMMON), supports_check_mode=True)
    client = packd.of_module(module)
    try:
        status = client.get("/v1/status")
        packs = client.get("/v1/packs")["packs"]
        registries = client.get("/v1/registries")["registries"]
    except packd.PackdError as error:
        packd.fail(module, error)
    facts = {
        "version": status["version"],
        "generation": status.get("generation"),
        "packs": {pack["ref"]: pack for pack in packs},
        "registries": {registry["name"]: registry for registry in registries},
    }
    module.exit_json(changed=False, ansible_facts={"packd": facts})


if __name__ == "__main__":
    main()
