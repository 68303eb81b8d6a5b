# Copyright: the packd authors
# SPDX-License-Identifier: Apache-2.0
"""What every module of the collection takes."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  socket:
    description: The socket of packd. Without it C(PACKD_SOCKET), or C(/run/packd/packd.sock).
    type: path
  timeout:
    description: How many seconds it may take.
    type: int
    default: 1800
"""
